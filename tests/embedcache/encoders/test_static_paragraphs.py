"""The encoder static-paragraphs, which comes with the package."""

import shutil
import subprocess
import sys

import numpy as np
import pytest
from tokenizers import Tokenizer

from embedcache import UserError, load_encoder
from embedcache.encoders import e5_small, static_paragraphs
from embedcache.encoders.static_paragraphs import COMPONENTS, FILE, UNKNOWN, StaticParagraphsEncoder
from tests.conftest import STORIES

SENTENCES = ["雨が降っていた。", "It was raining.", "«Où vas-tu ?»", "🜁", ""]


def test_vectors_are_short_and_do_not_depend_on_the_batch():
    encoder = load_encoder("static-paragraphs")
    vectors = encoder.encode(SENTENCES)
    assert vectors.shape == (5, encoder.dim) == (5, 3 * COMPONENTS)
    assert vectors.dtype == np.float32
    alone = [encoder.encode([sentence])[0] for sentence in SENTENCES]
    np.testing.assert_array_equal(vectors, alone)
    assert (vectors[4] == 0).all()
    assert len(np.unique(vectors, axis=0)) == 5


def test_the_first_and_last_tokens_have_separate_vectors():
    encoder = load_encoder("static-paragraphs")
    one, other = encoder.encode(["We saw them there.", "It is cold there."])
    whole, first, last = (slice(start * COMPONENTS, (start + 1) * COMPONENTS) for start in range(3))
    np.testing.assert_array_equal(one[last], other[last])
    assert not np.array_equal(one[first], other[first])
    assert not np.array_equal(one[whole], other[whole])


def test_sentences_of_known_pieces_are_tokenized_as_in_e5_small():
    folder = e5_small.model_directory()
    whole = Tokenizer.from_file(str(folder / "tokenizer.json"))
    part = load_encoder("static-paragraphs")._tokens.tokenizer
    compared = 0
    for path in STORIES.glob("*.txt"):
        for line in path.read_text(encoding="utf-8").splitlines():
            expected = whole.encode(line, add_special_tokens=False).tokens
            if all(part.token_to_id(token) for token in expected):
                assert part.encode(line).tokens == expected
                compared += 1
    assert compared > 20
    assert part.token_to_id(UNKNOWN) == 0


def test_it_is_loaded_without_torch_and_transformers():
    code = """
import sys
from embedcache import load_encoder
assert load_encoder("static-paragraphs").encode(["雨が降る。"]).any()
print({"torch", "transformers", "openvino", "scipy"} & set(sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "set()\n"), done.stderr


def test_other_vectors_have_another_fingerprint(tmp_path, monkeypatch):
    before = StaticParagraphsEncoder().fingerprint
    other = shutil.copy(FILE, tmp_path / FILE.name)
    content = bytearray((tmp_path / FILE.name).read_bytes())
    content[-1] ^= 1
    (tmp_path / FILE.name).write_bytes(content)
    monkeypatch.setattr(static_paragraphs, "FILE", tmp_path / other)
    assert StaticParagraphsEncoder().fingerprint != before


def test_layers_and_pooling_are_refused():
    with pytest.raises(UserError, match="static-paragraphs is not a Transformer"):
        load_encoder("static-paragraphs:3")
    with pytest.raises(UserError, match="leave out --pooling max"):
        load_encoder("static-paragraphs", pooling="max")
