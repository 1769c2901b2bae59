"""The word vectors of GiNZA, compared with those of spaCy."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from embedcache import load_encoder
from embedcache.store.index import MISSING
from embedcache.words.ginza import murmur_hash


@pytest.mark.parametrize(
    ("package", "extra"), [("ja_ginza", "segtool[ginza]"), ("sudachipy", "segtool[ja]")]
)
def test_a_missing_package_is_an_error(package, extra):
    pytest.importorskip("ja_ginza")
    script = """
import sys
sys.modules[sys.argv[1]] = None  # as if the package were not installed
from embedcache import UserError, load_encoder
try:
    load_encoder("ginza")
except UserError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", script, package], capture_output=True, text=True, check=True
    )
    (line,) = done.stdout.splitlines()
    assert f"pip install '{extra}'" in line


@settings(deadline=None)  # the first call imports spaCy
@given(st.text(min_size=1, max_size=40))
@example("雨が降っている")
def test_keys_equal_those_of_spacy(word):
    hash_string = pytest.importorskip("spacy.strings").hash_string
    assert murmur_hash(word.encode()) == hash_string(word)


def test_ginza_vectors_equal_those_of_spacy():
    ja_ginza = pytest.importorskip("ja_ginza")
    from spacy.vocab import Vocab

    (folder,) = Path(ja_ginza.__file__).parent.glob("*/vocab")
    vocab = Vocab().from_disk(folder)
    encoder = load_encoder("ginza")
    words = ["雨", "降る", "傘", "忘れる", "猫", "先生", "東京", "然し", "其の", "思想"]
    rows = encoder.vectors.find([*words, "ありえない語彙"])
    assert rows[-1] == MISSING
    for word, row in zip(words, rows, strict=False):
        assert np.array_equal(encoder.vectors.matrix[row], vocab.get_vector(word)), word
    assert encoder.dim == 300
    assert encoder.encode(["雨が降っていた。", "傘を忘れたのか。"]).any(axis=1).all()


def test_ginza_imports_neither_spacy_nor_torch():
    pytest.importorskip("ja_ginza")
    script = """
import sys
from embedcache import load_encoder
assert load_encoder("ginza").encode(["雨が降る"]).any()
assert not {"spacy", "ginza", "torch", "transformers", "gensim"} & sys.modules.keys()
"""
    subprocess.run([sys.executable, "-c", script], check=True)
