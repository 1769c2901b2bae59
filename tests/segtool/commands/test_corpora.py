"""`segtool corpora` and the replacement of corpora."""

import json
import shutil

import pytest

from segclf.workspace.workspace import Workspace
from tests.conftest import STORIES, SURFACE
from tests.segtool.texts import mistake


@pytest.fixture
def folder(trained, tmp_path):
    shutil.copytree(trained, tmp_path / "copy")
    return tmp_path / "copy"


def test_corpora_are_listed_and_shown(folder, cli):
    (listed,) = json.loads(cli(folder, "corpora", "--json").stdout)["corpora"]
    shown = json.loads(cli(folder, "corpora", "show", "stories", "--json").stdout)
    assert listed == shown == json.loads(cli(folder, "corpora", "show", "--json").stdout)
    assert shown["source"] == str(STORIES.resolve())
    assert shown["splits"] == Workspace(folder / ".segtool").load_corpus().corpus.counts()
    assert shown["runs"] == ["mlp-w1-001"]
    assert [encoder["name"] for encoder in shown["encoders"]] == ["surface"]
    assert "stories" in cli(folder, "corpora", "list").stdout
    table = cli(folder, "corpora", "show").stdout
    assert "mlp-w1-001" in table
    assert str(STORIES.resolve()) in "".join(table.split())


def test_a_corpus_of_an_earlier_version_is_described(folder, cli):
    path = folder / ".segtool/corpora/stories.jsonl"
    header, *rest = path.read_text().split("\n")
    new = ("counts", "source", "checksum")
    early = {key: value for key, value in json.loads(header).items() if key not in new}
    path.write_text("\n".join([json.dumps(early), *rest]))
    shown = json.loads(cli(folder, "corpora", "show", "--json").stdout)
    assert shown["source"] is None
    assert shown["splits"] == Workspace(folder / ".segtool").load_corpus().corpus.counts()


def test_a_corpus_is_removed_and_its_vectors_are_kept(folder, cli):
    path = folder / ".segtool/corpora/stories.jsonl"
    rows = Workspace(folder / ".segtool").store().spaces()[0].rows
    assert "no corpus 'none'" in mistake(cli(folder, "corpora", "remove", "stories", "none"))
    cli(folder, "corpora", "remove", "stories", "--dry-run")
    assert path.exists()
    done = cli(folder, "corpora", "remove", "stories")
    assert done.stdout.startswith("Removed .segtool/corpora/stories.jsonl: ")
    assert (
        "a run can segment texts but can only be scored on another corpus: mlp-w1-001"
        in done.stderr
    )
    assert not path.exists()
    assert Workspace(folder / ".segtool").store().spaces()[0].rows == rows


@pytest.mark.parametrize("outside", ["../../novels", "{folder}/novels"])
def test_a_file_outside_the_workspace_is_not_a_corpus(folder, cli, outside):
    novels = folder / "novels.jsonl"
    novels.write_bytes((folder / ".segtool/corpora/stories.jsonl").read_bytes())
    name = outside.format(folder=folder)
    assert "use a name without slashes" in mistake(cli(folder, "corpora", "remove", name))
    assert "use a name without slashes" in mistake(cli(folder, "corpora", "show", name))
    assert novels.exists()


def test_a_corpus_from_another_path_is_not_replaced_silently(folder, cli):
    other = folder / "stories.txt"
    other.write_text((STORIES / "eki.txt").read_text())
    embedding = ("embed", "stories.txt", *SURFACE)
    before = (folder / ".segtool/corpora/stories.jsonl").read_bytes()
    assert mistake(cli(folder, *embedding)) == (
        f"error: the corpus stories was read from {STORIES.resolve()}: choose another name with "
        "--name, or replace it with segtool embed --replace"
    )
    assert (folder / ".segtool/corpora/stories.jsonl").read_bytes() == before
    assert cli(folder, *embedding, "--name", "eki").returncode == 0
    assert cli(folder, *embedding, "--replace").returncode == 0
    other.write_text((STORIES / "tokeiya.txt").read_text())  # the same path
    assert cli(folder, *embedding).returncode == 0
    (folder / "moved").mkdir()
    other.rename(folder / "moved/stories.txt")  # the same text
    assert cli(folder, "embed", "moved/stories.txt", *SURFACE).returncode == 0
