"""Encoders joined by "+": each cached by itself, their vectors side by side."""

import numpy as np
import pytest

from embedcache import StoreError, UserError, load_encoder, sentence_ids
from segclf import Workspace, embed
from segclf.workspace.encoders import load_joined
from segclf.workspace.vectors import examples_of
from segclf.workspace.workspace import EncoderReference
from tests.conftest import STORIES

STORY = STORIES / "eki.txt"


def test_vectors_are_concatenated_and_each_encoder_encodes_once(tmp_path):
    workspace = Workspace(tmp_path)
    alone = embed(STORY, workspace, encoder_name="minilm:1")
    joined = embed(STORY, workspace, encoder_name="minilm:1+surface")
    again = embed(STORY, workspace, encoder_name="surface+minilm:1")
    assert alone.report.encoded == joined.report.encoded == joined.report.unique
    assert (again.report.encoded, again.report.cached) == (0, again.report.unique)
    ids = sentence_ids(joined.corpus.sentences)
    parts = [
        workspace.store().space(load_encoder(name).fingerprint).vectors(ids)
        for name in ("minilm:1", "surface")
    ]
    examples = examples_of(joined.corpus, workspace, joined.encoder)
    assert np.array_equal(examples.vectors, np.concatenate(parts, axis=1))
    assert examples.dim == joined.dim


def test_a_corpus_remembers_each_combination(tmp_path):
    workspace = Workspace(tmp_path)
    for name in ("surface", "minilm:0+surface"):
        embed(STORY, workspace, encoder_name=name)
    stored = workspace.load_corpus()
    assert [encoder.name for encoder in stored.encoders] == ["surface", "minilm:0+surface"]
    assert stored.encoder("surface").parts == (stored.encoder("surface"),)
    first, second = stored.encoder("minilm:0+surface").parts
    assert (first.name, second) == ("minilm:0", stored.encoder("surface"))


def test_a_plus_in_the_name_of_a_folder_is_kept():
    reference = EncoderReference("my+model:3+surface", "cls", "a+b")
    assert reference.parts == (
        EncoderReference("my+model:3", "cls", "a"),
        EncoderReference("surface", None, "b"),
    )


def test_encoders_that_cannot_be_joined_are_errors():
    with pytest.raises(UserError, match="nothing can stand beside"):
        load_joined("ginza+surface", pooling="tokens")
    with pytest.raises(UserError, match="no encoder"):
        load_joined("surface+/nowhere")


def test_paths_with_a_plus_are_not_split(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "c++"
    folder.mkdir()
    (folder / "words.vec").write_text("2 3\nrain 1 0 0\nsun 0 1 0\n")
    names = [encoder.name for encoder in load_joined("wordvec:c++/words.vec+surface")]
    assert names == ["wordvec:words.vec", "surface"]
    with pytest.raises(UserError, match="can only come first"):
        load_joined("surface+wordvec:c++/words.vec")
    for name in ("surface+", "+surface", "+"):
        with pytest.raises(UserError, match="one on each side"):
            load_joined(name)


def test_a_data_type_is_refused_for_stored_vectors_of_another(tmp_path):
    workspace = Workspace(tmp_path)
    embed(STORY, workspace, encoder_name="minilm:0")
    with pytest.raises(StoreError):
        embed(STORY, workspace, encoder_name="minilm:0+surface", dtype="float16")
    assert embed(STORY, workspace, encoder_name="minilm:0+surface").report.unique > 0
    embed(STORY, workspace, encoder_name="minilm:1+surface", dtype="float16")
