"""Backups of a store that is being written, and of processes that are killed."""

import os
import re
import subprocess
import sys

import numpy as np
import pytest

from embedcache import EmbeddingStore, StoreError, UserError
from embedcache.store.backup import back_up
from tests.conftest import ROOT
from tests.embedcache.store.stores import check_numbers, ids_of, make_store, wait_for_line
from tests.embedcache.store.test_store_writers import WRITER

BACK_UP_AND_DIE = """
import os, signal, sys
from pathlib import Path
from embedcache.store import backup
backup.publish = lambda *paths: os.kill(os.getpid(), signal.SIGKILL)
backup.back_up(Path(sys.argv[1]), Path(sys.argv[2]))
"""


def test_a_backup_of_a_store_that_is_written_is_the_store_after_a_commit(tmp_path):
    command = [sys.executable, "-c", WRITER, str(tmp_path / "s"), "100000"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as writer:
        for number in range(3):
            committed = int(wait_for_line(writer))
            size = back_up(tmp_path / "s", tmp_path / "backups" / str(number))
            copy = tmp_path / "backups" / str(number)
            assert sorted(os.listdir(copy)) == ["commits", "data.mdb"]
            assert size == (copy / "data.mdb").stat().st_size
            space = EmbeddingStore(copy, create=False).space("a" * 32)
            count = len(space)
            assert count % 500 == 0  # complete batches
            assert count >= 500 * (committed + 1)
            assert np.array_equal(space.vectors(ids_of(*range(count)))[:, 0], np.arange(count))
        writer.kill()


def test_a_killed_backup_leaves_no_copy_and_the_next_one_removes_its_files(tmp_path):
    make_store(tmp_path / "s", 50)
    arguments = [str(tmp_path / "s"), str(tmp_path / "b")]
    killed = subprocess.run([sys.executable, "-c", BACK_UP_AND_DIE, *arguments], cwd=ROOT)
    assert killed.returncode == -9
    assert not (tmp_path / "b").exists()
    assert len(os.listdir(tmp_path)) == 2
    back_up(tmp_path / "s", tmp_path / "b")
    assert sorted(os.listdir(tmp_path)) == ["b", "s"]
    check_numbers(tmp_path / "b", [*range(50)])
    check_numbers(tmp_path / "s", [*range(50)])


@pytest.mark.parametrize("kind", ["file", "empty folder", "store itself", "broken link"])
def test_an_existing_path_is_refused_and_not_changed(tmp_path, kind):
    make_store(tmp_path / "s", 5)
    path = tmp_path / ("s" if kind == "store itself" else "b")
    if kind == "file":
        path.write_text("kept")
    elif kind == "empty folder":
        path.mkdir()
    elif kind == "broken link":
        path.symlink_to(tmp_path / "missing")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(UserError, match=re.escape(f"{path} exists: choose a new folder")):
        back_up(tmp_path / "s", path)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_missing_store_is_refused_and_nothing_is_created(tmp_path):
    with pytest.raises(StoreError, match="no embedding store"):
        back_up(tmp_path / "s", tmp_path / "b")
    assert not list(tmp_path.iterdir())
