"""A full disk, simulated by a limit on file sizes, gives a one-line error and changes nothing."""

import os
import signal

import pytest

from embedcache import StoreError
from embedcache.store.backup import back_up
from embedcache.store.compaction import compact
from embedcache.store.removal import remove_unwanted
from embedcache.store.repair import repair
from tests.embedcache.store.stores import flip_value, ids_of, make_two_spaces

resource = pytest.importorskip("resource", reason="this system does not limit file sizes")

COMMANDS = {
    "compact": compact,
    "repair": repair,
    "remove": lambda path: remove_unwanted(path, ids_of(*range(2500))),
    "backup": lambda path: back_up(path, path.parent / "b"),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_full_disk_leaves_the_store_as_it_was(tmp_path, command):
    path = tmp_path / "s"
    make_two_spaces(path)
    if command == "repair":
        flip_value(path, b"v" + bytes(12))
    before = (path / "data.mdb").read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, limits[1]))
    try:
        with pytest.raises(StoreError, match=r"cannot be (used|copied)") as caught:
            COMMANDS[command](path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, ignored)
    assert "\n" not in str(caught.value)
    assert (path / "data.mdb").read_bytes() == before
    assert sorted(os.listdir(path)) == ["commits", "data.mdb", "lock.mdb"]
    assert os.listdir(tmp_path) == ["s"]
