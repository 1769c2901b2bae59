"""Finding the corpus whose statistics are shown."""

import numpy as np
import pytest

from embedcache import UserError
from segclf.corpus import Corpus, Document
from segclf.tasks.statistics import find_corpus
from segclf.workspace.corpora import EncoderReference
from segclf.workspace.workspace import Workspace

CORPUS = Corpus.of([Document("a", ["One.", "Two."], np.array([True, False]))], ["train"])
ENCODER = EncoderReference("hash", None, "0" * 32)


@pytest.fixture
def workspace(tmp_path):
    """A workspace with one embedded corpus."""
    workspace = Workspace(tmp_path / "work")
    workspace.save_corpus("stories", CORPUS, "kuten", ENCODER)
    return workspace


@pytest.mark.parametrize("target", [None, "stories"])
def test_an_embedded_corpus_is_found_by_name_or_as_the_latest(workspace, target):
    name, corpus, encoders = find_corpus(target, workspace)
    assert (name, corpus.sentences, encoders) == ("stories", CORPUS.sentences, (ENCODER,))


def test_a_corpus_that_is_not_embedded_is_read_from_its_path(workspace, tmp_path):
    (tmp_path / "new.txt").write_text("　雨が降る。\n　風が吹く。\n")
    name, corpus, encoders = find_corpus(str(tmp_path / "new.txt"), workspace, split="test")
    assert (name, len(corpus), encoders) == ("new.txt", 2, ())


def test_an_unknown_corpus_is_an_error_that_names_the_known_ones(workspace):
    with pytest.raises(UserError, match=r"none: no such file.*stories"):
        find_corpus("none", workspace)


def test_a_workspace_without_a_corpus_is_an_error(tmp_path):
    with pytest.raises(UserError, match="nothing is embedded"):
        find_corpus(None, Workspace(tmp_path / "work"))
