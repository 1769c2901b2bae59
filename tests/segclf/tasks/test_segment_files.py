"""Which files are written when several texts are segmented."""

from pathlib import Path

import pytest

from embedcache import UserError
from segclf.tasks.segment_files import pair_files


@pytest.fixture(autouse=True)
def texts(tmp_path, monkeypatch):
    """A current folder with texts: in/a.txt, in/deep/b.md, twin/a.txt and twin/a.md."""
    monkeypatch.chdir(tmp_path)
    for name in (
        "in/a.txt",
        "in/deep/b.md",
        "in/.hidden.txt",
        "in/x.png",
        "twin/a.txt",
        "twin/a.md",
    ):
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    Path("empty").mkdir()


def paired(*paths, to="out", suffix=None):
    pairs = pair_files(paths, Path(to), suffix)
    return {pair.source.as_posix(): pair.target.as_posix() for pair in pairs}


def test_names_and_subfolders_are_kept():
    assert paired("in", "twin/a.md", "none.txt") == {
        "in/a.txt": "out/a.txt",
        "in/deep/b.md": "out/deep/b.md",
        "twin/a.md": "out/a.md",
        "none.txt": "out/none.txt",  # it is reported when it is read
    }
    assert paired("in", suffix=".html") == {
        "in/a.txt": "out/a.html",
        "in/deep/b.md": "out/deep/b.html",
    }


def test_a_text_that_is_named_twice_is_read_once():
    assert paired("in/a.txt", "in", "./in/a.txt") == paired("in")


def test_earlier_results_below_an_input_folder_are_not_read():
    before = paired("in", to="in/out")
    Path("in/out/deep").mkdir(parents=True)
    Path("in/out/a.txt").write_text("result")
    assert paired("in", to="in/out") == before
    assert paired("in", to="in", suffix=".html").keys() == {*before, "in/out/a.txt"}


@pytest.mark.parametrize(
    ("paths", "options", "message"),
    [
        (["-"], {}, "standard input has no file name"),
        (["in"], {"to": "in/a.txt"}, "is a file: choose a folder"),
        (["in", "twin"], {}, "in/a.txt and twin/a.txt would both be written to out/a.txt"),
        (["twin"], {"suffix": ".html"}, "would both be written to out/a.html"),
        (["in"], {"to": "in"}, "in/a.txt is an input file: choose another output"),
        (["in/a.txt", "twin/a.md"], {"to": "twin"}, "twin/a.md is an input file"),
        (["empty"], {}, "file in this folder"),
    ],
)
def test_results_that_would_replace_a_text_or_another_result_are_refused(paths, options, message):
    with pytest.raises(UserError, match=message):
        paired(*paths, **options)


def test_a_link_to_a_text_is_not_overwritten():
    Path("out").mkdir()
    Path("out/a.txt").symlink_to(Path("in/a.txt").absolute())
    with pytest.raises(UserError, match="is an input file"):
        paired("in/a.txt")
