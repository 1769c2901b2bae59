"""The memory that is available within the limits of control groups."""

import pytest

from segclf.workspace.memory import available_bytes, vectors_limit

MIB = 2**20


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{text}\n")


@pytest.fixture
def root(tmp_path):
    """The files of a system with 8 MiB of available memory, and a process in the group a/b."""
    write(tmp_path / "proc/meminfo", "MemTotal: 16384 kB\nMemFree: 1024 kB\nMemAvailable: 8192 kB")
    write(tmp_path / "proc/self/cgroup", "4:cpu,memory:/a/b\n0::/a/b")
    return tmp_path


def limit_v2(root, group, limit, current=0, inactive=0):
    folder = root / "sys/fs/cgroup" / group
    write(folder / "memory.max", limit)
    write(folder / "memory.current", current)
    write(folder / "memory.stat", f"anon 5\ninactive_file {inactive}")


def test_memory_is_what_the_system_has_left(root):
    assert available_bytes(root) == 8 * MIB
    limit_v2(root, "a/b", "max")
    assert available_bytes(root) == 8 * MIB


@pytest.mark.parametrize("group", ["", "a", "a/b"])
def test_the_limit_of_a_group_or_of_its_parent_applies(root, group):
    limit_v2(root, group, 6 * MIB, current=3 * MIB, inactive=MIB)
    assert available_bytes(root) == 4 * MIB


def test_a_limit_of_version_1_applies(root):
    folder = root / "sys/fs/cgroup/memory"  # as in a container, which does not have the path a/b
    write(folder / "memory.limit_in_bytes", 6 * MIB)
    write(folder / "memory.usage_in_bytes", 3 * MIB)
    write(folder / "memory.stat", f"inactive_file 1\ntotal_inactive_file {MIB}")
    assert available_bytes(root) == 4 * MIB


def test_a_group_may_exceed_its_limit(root):
    limit_v2(root, "a", MIB, current=3 * MIB)
    assert available_bytes(root) == 0


def test_memory_is_unknown_on_systems_that_do_not_report_it(tmp_path, monkeypatch):
    monkeypatch.delattr("os.sysconf", raising=False)
    assert available_bytes(tmp_path) is None


def test_vectors_may_use_a_quarter_of_this_machine_shared_by_processes():
    one = vectors_limit()
    assert 0 < one < 1000
    assert vectors_limit(processes=4) == pytest.approx(one / 4, rel=0.5)
    assert vectors_limit(2.5, processes=4) == 2.5
