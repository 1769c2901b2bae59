"""Texts beside their vectors: kept once, checked against their ids, exported and merged."""

import signal
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import pyarrow.ipc
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xxhash import xxh3_128_digest

from embedcache import EmbeddingStore, UserError, encode_sentences, normalize, sentence_ids
from embedcache.shards.merge import merge
from embedcache.store import texts as texts_module
from embedcache.store import values
from embedcache.store.backup import back_up
from embedcache.store.compaction import compact
from embedcache.store.export import export_space
from embedcache.store.removal import count_unwanted_texts, remove_unwanted
from embedcache.store.repair import repair
from embedcache.store.texts import TextPart
from embedcache.store.verification import verify
from tests.conftest import ROOT, HashEncoder
from tests.embedcache.store.stores import flip_key, flip_value, keys_of, make_format_1

SENTENCES = [f"{number}日目の朝。" for number in range(3000)]


@pytest.fixture
def path(tmp_path):
    keep(tmp_path / "store", SENTENCES)
    return tmp_path / "store"


def keep(path, sentences, encoder=None):
    encode_sentences(sentences, encoder or HashEncoder(), EmbeddingStore(path), keep_text=True)


def texts_of(path, sentences=SENTENCES):
    return EmbeddingStore(path, create=False).texts().find(sentence_ids(sentences))


def text_keys(path):
    return [key for key in keys_of(path) if key.startswith(b"t")]


def check_vectors(path):
    encoder = HashEncoder()
    found = EmbeddingStore(path).vectors(encoder.fingerprint, sentence_ids(SENTENCES))
    assert np.array_equal(found, encoder.encode(SENTENCES))


def test_each_text_is_kept_once_for_all_encoders(path):
    before = EmbeddingStore(path).texts().size()
    keep(path, ["\u3000新しい\u3000 文。", *SENTENCES], HashEncoder(name="other"))
    assert EmbeddingStore(path).texts().size()[0] == before[0] + 1 == 3001
    assert texts_of(path) == SENTENCES
    assert texts_of(path, ["新しい 文。", "他の文。"]) == ["新しい 文。", None]
    check_vectors(path)


def test_the_texts_of_sentences_that_have_a_vector_are_kept_when_asked_for(tmp_path):
    encode_sentences(SENTENCES, HashEncoder(), EmbeddingStore(tmp_path))
    assert (EmbeddingStore(tmp_path).format(), text_keys(tmp_path)) == (2, [])
    assert texts_of(tmp_path) == [None] * 3000
    encoder = HashEncoder()
    keep(tmp_path, SENTENCES, encoder)
    assert not encoder.encoded
    assert EmbeddingStore(tmp_path).format() == 3  # earlier versions do not know the values
    assert EmbeddingStore(tmp_path).upgrade() == 0
    assert texts_of(tmp_path) == SENTENCES


def test_a_store_of_format_1_must_be_upgraded_first(tmp_path):
    encode_sentences(SENTENCES, HashEncoder(), EmbeddingStore(tmp_path))
    make_format_1(tmp_path)
    with pytest.raises(UserError, match="run segtool store upgrade first"):
        keep(tmp_path, SENTENCES)
    EmbeddingStore(tmp_path).upgrade()
    keep(tmp_path, SENTENCES)
    assert texts_of(tmp_path) == SENTENCES


@settings(max_examples=20)
@given(parts=st.lists(st.lists(st.text(st.characters(exclude_categories=["Cs"])))))
def test_any_texts_are_found_however_they_are_added(tmp_path_factory, parts):
    path = tmp_path_factory.mktemp("store")
    kept = [[normalize(text) for text in part] for part in parts]
    texts = EmbeddingStore(path).texts()
    added = [texts.add(part) for part in kept]
    distinct = {text for part in kept for text in part}
    assert sum(added) == texts.size()[0] == len(distinct)
    assert texts_of(path, sorted(distinct)) == sorted(distinct)
    assert verify(path).texts == len(distinct)


def test_many_small_parts_are_merged(tmp_path, monkeypatch):
    monkeypatch.setattr(texts_module, "_WRITTEN_AT_ONCE", 500)
    assert EmbeddingStore(tmp_path).texts().add(SENTENCES) == 3000
    assert len(text_keys(tmp_path)) < 12
    assert texts_of(tmp_path) == SENTENCES
    assert verify(tmp_path).is_sound


def test_a_text_with_a_line_feed_is_refused(tmp_path):
    with pytest.raises(ValueError, match="must be normalized"):
        EmbeddingStore(tmp_path).texts().add(["一行目\n二行目"])


@pytest.mark.parametrize("bit", [5, 8 * 100, -1])
def test_a_flipped_bit_is_found_and_no_vector_is_lost(path, bit):
    (key,) = text_keys(path)
    flip_value(path, key, bit)
    assert [damage.part for damage in verify(path).damage] == ["texts"]
    assert repair(path).lost == [0]
    assert verify(path).is_sound
    assert texts_of(path) == [None] * 3000
    check_vectors(path)
    keep(path, SENTENCES)
    assert texts_of(path) == SENTENCES


def test_a_damaged_key_is_found(path):
    (key,) = text_keys(path)
    flip_key(path, key, 1)
    assert [damage.part for damage in verify(path).damage] == ["unknown"]
    repair(path)
    check_vectors(path)


def test_a_text_with_the_id_of_another_sentence_is_found_and_left_out(path):
    environment = EmbeddingStore(path)._environment

    def exchange(transaction):
        (key,) = text_keys(path)
        part = TextPart.from_bytes(values.get(environment, transaction, key))
        lines = bytes(part.lines).replace("\n7日目".encode(), "\n9日目".encode(), 1)
        values.put(transaction, key, TextPart(part.segment, lines).to_bytes())

    environment.write(exchange, 1 << 20)
    found = verify(path)
    assert [(damage.part, damage.sentences) for damage in found.damage] == [("texts", 1)]
    assert found.texts == 2999
    repair(path)
    assert texts_of(path) == [None if text == SENTENCES[7] else text for text in SENTENCES]
    assert verify(path).is_sound


def test_the_header_of_a_store_with_texts_is_restored(path):
    flip_value(path, b"format")
    repair(path)
    assert EmbeddingStore(path).format() == 3
    assert texts_of(path) == SENTENCES


def test_texts_of_unwanted_sentences_are_removed(path):
    wanted = sentence_ids(SENTENCES[:1000])
    assert count_unwanted_texts(path, wanted) == 2000
    remove_unwanted(path, wanted)
    assert texts_of(path) == SENTENCES[:1000] + [None] * 2000
    assert verify(path).texts == EmbeddingStore(path).texts().size()[0] == 1000


def test_backups_and_compacted_stores_have_the_texts(path, tmp_path):
    back_up(path, tmp_path / "copy")
    compact(path)
    for folder in (path, tmp_path / "copy"):
        assert texts_of(folder) == SENTENCES
        assert verify(folder).is_sound


@pytest.mark.parametrize("file_format", ["parquet", "arrow"])
def test_tables_have_the_texts_and_copy_them_to_another_store(path, tmp_path, file_format):
    encode_sentences(["文字なし。"], HashEncoder(), EmbeddingStore(path))  # without its text
    out = tmp_path / f"out.{file_format}"
    fingerprint = HashEncoder().fingerprint
    export_space(path, fingerprint, out, file_format)
    is_parquet = file_format == "parquet"
    table = pyarrow.parquet.read_table(out) if is_parquet else pyarrow.ipc.open_file(out).read_all()
    texts = table["text"].to_pylist()
    assert sorted(filter(None, texts)) == sorted(SENTENCES)
    for stored_id, text in zip(table["id"].to_pylist(), texts, strict=True):
        assert text is None or stored_id == xxh3_128_digest(text.encode())
    merge([str(out)], lambda: EmbeddingStore(tmp_path / "other"))
    assert texts_of(tmp_path / "other") == SENTENCES
    assert EmbeddingStore(tmp_path / "other").texts().size()[0] == 3000
    check_vectors(tmp_path / "other")


def test_a_store_without_texts_is_exported_as_before(tmp_path):
    encode_sentences(SENTENCES, HashEncoder(), EmbeddingStore(tmp_path / "store"))
    out = tmp_path / "out.arrow"
    export_space(tmp_path / "store", HashEncoder().fingerprint, out, "arrow")
    names = pyarrow.ipc.open_file(out).schema.names
    assert names == ["id", "vector", "truncated", "precision"]
    merge([str(out)], lambda: EmbeddingStore(tmp_path / "other"))
    assert EmbeddingStore(tmp_path / "other").format() == 2


def add_overlapping(path, first):
    return EmbeddingStore(path).texts().add(SENTENCES[first : first + 1500])


def test_processes_that_keep_the_same_texts_keep_each_once(tmp_path):
    EmbeddingStore(tmp_path)
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        added = list(pool.map(add_overlapping, [tmp_path] * 4, [0, 500, 1000, 1500]))
    assert sum(added) == EmbeddingStore(tmp_path).texts().size()[0] == 3000
    assert texts_of(tmp_path) == SENTENCES


DIE_AFTER_A_COMMIT = """
import os, signal, sys
from embedcache import EmbeddingStore, encode, encode_sentences
from tests.hash_encoder import HashEncoder
from tests.embedcache.store.test_texts import SENTENCES
class Dying(HashEncoder):
    def encode(self, sentences):
        if len(self.encoded) > 1500:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().encode(sentences)
encode.CHUNK_SENTENCES = 400
encode_sentences(SENTENCES, Dying(), EmbeddingStore(sys.argv[1]), keep_text=True)
"""


def test_after_a_kill_every_vector_has_its_text(tmp_path):
    done = subprocess.run([sys.executable, "-c", DIE_AFTER_A_COMMIT, str(tmp_path)], cwd=ROOT)
    assert done.returncode == -signal.SIGKILL
    stored = EmbeddingStore(tmp_path).space(HashEncoder().fingerprint)
    has_vector = stored.contains(sentence_ids(SENTENCES))
    assert 400 <= has_vector.sum() < 3000
    kept = texts_of(tmp_path)
    assert all(text for text, has in zip(kept, has_vector, strict=True) if has)
    keep(tmp_path, SENTENCES)
    assert texts_of(tmp_path) == SENTENCES
    check_vectors(tmp_path)
