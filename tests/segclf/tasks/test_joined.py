"""Encoders joined by "+": cached separately, and their vectors concatenated."""

import numpy as np
import pytest

from embedcache import StoreError, load_encoder, sentence_ids
from segclf import Workspace, embed
from segclf.workspace.corpora import EncoderReference
from segclf.workspace.vectors import examples_of
from tests.conftest import STORIES

STORY = STORIES / "eki.txt"


def test_vectors_are_concatenated_and_each_encoder_encodes_once(tmp_path):
    workspace = Workspace(tmp_path)
    alone = embed(STORY, workspace, encoder_name="minilm:1")
    joined = embed(STORY, workspace, encoder_name="minilm:1+surface")
    other_order = embed(STORY, workspace, encoder_name="surface+minilm:1")
    assert alone.report.encoded == joined.report.encoded == joined.report.unique
    assert (other_order.report.encoded, other_order.report.cached) == (0, joined.report.unique)
    ids = sentence_ids(joined.corpus.sentences)
    store = workspace.store()
    parts = [
        store.space(load_encoder(name).fingerprint).vectors(ids) for name in ("minilm:1", "surface")
    ]
    examples = examples_of(joined.corpus, workspace, joined.encoder)
    assert np.array_equal(examples.vectors, np.concatenate(parts, axis=1))
    assert examples.dim == joined.dim


def test_a_corpus_records_each_combination_of_encoders(tmp_path):
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


def test_a_data_type_is_refused_for_stored_vectors_of_another(tmp_path):
    workspace = Workspace(tmp_path)
    embed(STORY, workspace, encoder_name="minilm:0")
    with pytest.raises(StoreError):
        embed(STORY, workspace, encoder_name="minilm:0+surface", dtype="float16")
    assert embed(STORY, workspace, encoder_name="minilm:0+surface").report.unique > 0
    embed(STORY, workspace, encoder_name="minilm:1+surface", dtype="float16")
