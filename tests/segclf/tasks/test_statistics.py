"""Finding the corpus whose statistics are shown."""

import numpy as np
import pytest

from embedcache import UserError
from segclf.corpus import Corpus, Document
from segclf.tasks.statistics import find_corpus
from segclf.workspace.corpora import EncoderReference
from segclf.workspace.workspace import Workspace


def test_a_corpus_is_found_by_name_or_read_from_a_path(tmp_path):
    workspace = Workspace(tmp_path / "work")
    with pytest.raises(UserError, match="nothing is embedded"):
        find_corpus(None, workspace)
    corpus = Corpus.of([Document("a", ["One.", "Two."], np.array([True, False]))], ["train"])
    encoder = EncoderReference("hash", None, "0" * 32)
    workspace.save_corpus("stories", corpus, "kuten", encoder)
    (tmp_path / "new.txt").write_text("　雨が降る。\n　風が吹く。\n")
    for target in (None, "stories"):
        name, found, encoders = find_corpus(target, workspace)
        assert encoders == (encoder,)
        assert (name, found.sentences) == ("stories", corpus.sentences)
    name, read, encoders = find_corpus(str(tmp_path / "new.txt"), workspace, split="test")
    assert (name, len(read), encoders) == ("new.txt", 2, ())
    with pytest.raises(UserError, match=r"none: no such file.*stories"):
        find_corpus("none", workspace)
