"""The second record of commits: every loss is reported, and a description can be restored."""

import shutil
import subprocess
import sys

import pytest

from embedcache import EmbeddingStore, StoreError
from embedcache.store.backup import back_up
from embedcache.store.compaction import compact
from embedcache.store.pages import DESCRIPTION_BYTES, Commit
from embedcache.store.repair import repair
from embedcache.store.verification import Damage, verify
from tests.embedcache.store.stores import (
    FINGERPRINT,
    append_numbers,
    check_numbers,
    ids_of,
    make_store,
    numbered,
)

PAGE_BYTES = 4096


@pytest.fixture
def path(tmp_path):
    """A store with several commits and free pages."""
    make_store(tmp_path, 1500)
    for first in (1500, 1600, 1700):
        append_numbers(tmp_path, first, first + 100)
    return tmp_path


def flip(path, bit, name="data.mdb"):
    content = bytearray((path / name).read_bytes())
    content[bit // 8] ^= 1 << bit % 8
    (path / name).write_bytes(content)


def descriptions(path):
    content = (path / "data.mdb").read_bytes()
    return b"".join(content[start : start + DESCRIPTION_BYTES] for start in (0, PAGE_BYTES))


# the number of the commit, the root of the tree, the size of the map, the kind of the page
@pytest.mark.parametrize("bit", [8 * 144 + 1, 8 * 128 + 2, 8 * 32 + 40, 8 * 10 + 3])
@pytest.mark.parametrize("page", [0, 1])
def test_a_flipped_bit_in_the_description_of_a_commit_is_found_and_restored(path, page, bit):
    flip(path, 8 * PAGE_BYTES * page + bit)
    with pytest.raises(StoreError, match="run segtool store repair"):
        EmbeddingStore(path)
    assert repair(path).found.damage == (Damage("commits"),)
    assert verify(path).is_sound
    check_numbers(path, range(1800))


def test_a_lost_commit_is_found(path):
    shutil.copy(path / "data.mdb", path / "earlier")
    append_numbers(path, 1800, 1900)
    shutil.move(path / "earlier", path / "data.mdb")
    with pytest.raises(StoreError, match="its last commit is missing"):
        EmbeddingStore(path)
    with pytest.raises(StoreError, match="damaged"):
        repair(path)  # the pages of the last commit are missing too


@pytest.mark.parametrize("content", [None, b""])
def test_a_missing_data_file_is_not_an_empty_store(path, content):
    (path / "data.mdb").unlink()
    if content is not None:
        (path / "data.mdb").write_bytes(content)
    with pytest.raises(StoreError, match="missing"):
        EmbeddingStore(path)


def test_a_store_of_an_earlier_version_gets_the_record_with_the_next_commit(path):
    (path / "commits").unlink()
    check_numbers(path, [0, 1799])
    assert not (path / "commits").exists()
    append_numbers(path, 1800, 1801)
    assert (path / "commits").read_bytes()[8:] == descriptions(path)


@pytest.mark.parametrize("commits", [1, 2, 3])
def test_a_record_that_is_older_than_the_last_commit_is_not_damage(path, commits):
    """The process was killed after its commit, or an earlier version has written the store."""
    shutil.copy(path / "commits", path / "earlier")
    for number in range(commits):
        append_numbers(path, 1800 + number, 1801 + number)
    shutil.move(path / "earlier", path / "commits")
    check_numbers(path, [0, 1799 + commits])
    assert verify(path).is_sound
    append_numbers(path, 1900, 1901)
    assert (path / "commits").read_bytes()[8:] == descriptions(path)


def test_a_damaged_record_is_named_and_written_again(path):
    flip(path, 1000, "commits")
    check_numbers(path, [0, 1799])
    assert verify(path).damage == (Damage("commits"),)
    assert repair(path).lost == [0]
    assert verify(path).is_sound
    check_numbers(path, range(1800))


@pytest.mark.parametrize("byte", [-1, -8, -16, 0, 18])
def test_damaged_free_pages_are_not_written_to(path, byte):
    content = (path / "data.mdb").read_bytes()
    parts = (content[:DESCRIPTION_BYTES], content[PAGE_BYTES : PAGE_BYTES + DESCRIPTION_BYTES])
    last = max(map(Commit.parse, parts), key=lambda commit: commit.number)
    page = last.free.root if byte >= 0 else last.free.root + 1
    flip(path, 8 * (PAGE_BYTES * page + byte) + 4)
    space = EmbeddingStore(path).space(FINGERPRINT)
    assert (space.vectors(ids_of(7)) == 7).all()
    with pytest.raises(StoreError, match=r"free pages.* run segtool store repair"):
        space.append(ids_of(1800), numbered(1800, 1801))
    assert verify(path).damage == (Damage("pages"),)
    assert repair(path).lost == [0]
    append_numbers(path, 1800, 1801)
    check_numbers(path, range(1801))


def test_copies_and_new_files_have_the_record(path):
    back_up(path, path / "copy")
    compact(path)
    for folder in (path, path / "copy"):
        assert (folder / "commits").read_bytes()[8:] == descriptions(folder)
        check_numbers(folder, range(1800))


WRITE = """
import sys
from tests.embedcache.store.stores import append_numbers
from pathlib import Path
for number in range(int(sys.argv[2]), int(sys.argv[2]) + 20):
    append_numbers(Path(sys.argv[1]), number, number + 1)
"""


def test_the_record_is_that_of_the_last_commit_of_several_writers(path):
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITE, str(path), str(2000 + 20 * number)])
        for number in range(4)
    ]
    for _ in range(30):
        check_numbers(path, [0, 1799])
    assert [writer.wait() for writer in writers] == [0] * 4
    check_numbers(path, [*range(1800), *range(2000, 2080)])
    assert (path / "commits").read_bytes()[8:] == descriptions(path)
