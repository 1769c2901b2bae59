"""Storages on disk and at URLs: names of files, and files that are not complete."""

from pathlib import Path

import pytest

from embedcache import UserError
from embedcache.shards.storage import Storage


def test_a_colon_in_the_name_of_a_folder_does_not_make_it_a_url(tmp_path):
    storage, other = Storage.at(tmp_path / "run::1"), Storage.at(tmp_path / "run")
    for each in (storage, other):
        each.write_bytes("a/b", b"content")
    storage.remove("a/b")
    assert (storage.names(""), other.names("")) == (set(), {"a/b"})
    storage.remove()
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_url_with_wildcards_is_an_error():
    with pytest.raises(UserError, match=r"memory://novels\[1\] has wildcards"):
        Storage.at("memory://novels[1]")


@pytest.mark.parametrize("kind", ["folder", "url"])
def test_files_that_are_being_written_have_no_names(tmp_path, kind):
    storage = Storage.at(tmp_path if kind == "folder" else f"file://{tmp_path}")
    storage.write_bytes("shards/x/a.arrow", b"")
    storage.write_bytes("shards/x/.1.scratch/content/b.arrow", b"")
    storage.write_bytes("shards/x/c.arrow.1.part", b"")
    assert storage.names("shards") == {"x/a.arrow"}


@pytest.mark.parametrize("kind", ["folder", "url"])
def test_a_file_appears_when_it_is_complete(tmp_path, kind):
    storage = Storage.at(tmp_path if kind == "folder" else f"file://{tmp_path}")

    def fail(path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        storage.write("a/b", fail)
    assert storage.names("") == set()
    storage.write_bytes("a/b", b"whole")
    storage.write_bytes("a/c/d", b"")
    assert (storage.read("a/b"), storage.exists("a/b"), storage.exists("a/x")) == (b"whole", 1, 0)
    assert storage.names("a") == {"b", "c/d"}
    assert storage.names("missing") == set()
    storage.remove("a/c")
    storage.remove("missing")
    assert storage.names("") == {"a/b"}
    storage.remove()
    assert not tmp_path.exists()
