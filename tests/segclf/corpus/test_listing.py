"""Files are listed as by `corpus_files`, including files at URLs."""

import os
import shutil

import pytest

from embedcache import UserError
from segclf.corpus.files import corpus_files
from segclf.corpus.listing import corpus_name, list_sources, read_source

FILES = ("b.txt", "a/z.md", "a.txt", "a/.hidden.txt", ".git/x.txt", "c/d/e.TXT", "c/image.png")


@pytest.fixture
def texts(tmp_path):
    folder = tmp_path / "texts"
    for name in FILES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"これは{name}。")
    return folder


@pytest.mark.parametrize("kind", ["folder", "file url", "zip"])
def test_a_folder_is_listed_as_it_is_read(texts, kind):
    path = str(texts)
    if kind == "file url":
        path = f"file://{texts}"
    if kind == "zip":
        path = "zip:///::" + shutil.make_archive(str(texts), "zip", texts)
    found = [(source.id, read_source(source)) for source in list_sources(path)]
    assert found == [(name, path.read_bytes()) for name, path in corpus_files(texts)]
    assert [name for name, _ in found] == ["a/z.md", "a.txt", "b.txt", "c/d/e.TXT"]


def test_a_file_has_its_name_as_id(texts):
    for path in (str(texts / "b.txt"), f"file://{texts}/b.txt"):
        (source,) = list_sources(path)
        assert (source.id, read_source(source)) == ("b.txt", "これはb.txt。".encode())
        assert source.size == len("これはb.txt。".encode())


@pytest.mark.parametrize("prefix", ["", "file://"])
def test_ids_of_a_glob_are_relative_to_the_part_without_wildcards(texts, prefix):
    assert [s.id for s in list_sources(f"{prefix}{texts}/*.txt")] == ["a.txt", "b.txt"]
    assert [s.id for s in list_sources(f"{prefix}{texts}/c/**/*.TXT")] == ["d/e.TXT"]


def test_a_relative_glob(texts, monkeypatch):
    monkeypatch.chdir(texts)
    (source, _) = list_sources("*.txt")
    assert (source.id, os.path.isabs(source.path)) == ("a.txt", True)


def test_a_glob_whose_first_folder_has_a_wildcard(texts):
    first, *others = texts.relative_to("/").parts
    (source,) = list_sources("/" + "/".join([f"[{first[0]}]{first[1:]}", *others, "b.txt"]))
    assert source.path == str(texts / "b.txt")
    assert source.id == (texts / "b.txt").relative_to("/").as_posix()


def test_a_source_changes_with_its_file(texts):
    (before,) = list_sources(str(texts / "b.txt"))
    os.utime(texts / "b.txt", ns=(1, 1))
    (after,) = list_sources(str(texts / "b.txt"))
    assert before.version != after.version


def test_entries_of_a_folder_that_cannot_be_read_are_listed_separately(texts):
    link = texts / "link.txt"
    link.symlink_to("nowhere")
    with pytest.raises(UserError, match="broken link"):
        list_sources(str(texts))
    unreadable = {}
    assert [source.id for source in list_sources(str(texts), unreadable)] == [
        "a/z.md",
        "a.txt",
        "b.txt",
        "c/d/e.TXT",
    ]
    assert list(unreadable) == [link]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("-", "--engine ray does not read standard input"),
        ("missing.txt", "missing.txt: no such file"),
        ("*.nothing", "no such file, or no text files found"),
        ("file:///nowhere/at/all.txt", "/nowhere/at/all.txt"),
        ("nosuch://bucket/x.txt", "Protocol not known: nosuch"),
    ],
)
def test_paths_that_cannot_be_listed_are_reported(tmp_path, monkeypatch, path, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=message):
        list_sources(path)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("novels/meian.txt", "meian"),
        ("novels/*.txt", "novels"),
        ("s3://bucket/novels/**/*.txt", "novels"),
        ("s3://bucket/novels/meian.txt", "meian"),
        ("zip://meian.txt::s3://bucket/all.zip", "meian"),
    ],
)
def test_a_corpus_is_named_after_its_file_or_folder(path, name):
    assert corpus_name(path) == name


def test_existing_paths_are_not_globs_or_urls(tmp_path):
    (tmp_path / "novels[1]").mkdir()
    (tmp_path / "a::b.txt").touch()
    assert corpus_name(str(tmp_path / "novels[1]")) == "novels[1]"
    assert corpus_name(str(tmp_path / "a::b.txt")) == "a::b"
    assert corpus_name("-") == "stdin"
