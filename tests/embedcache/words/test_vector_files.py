"""Files of word vectors: formats, conversion and errors."""

import bz2
import gzip
import lzma
import subprocess
import sys

import numpy as np
import pytest

from embedcache import UserError, load_encoder
from embedcache.store.index import MISSING
from embedcache.words import open_vector_file
from tests.embedcache.words.files import MATRIX, WORDS, as_binary, as_text

FILES = {
    "word2vec.txt": as_text(),
    "word2vec.bin": as_binary(),
    "fasttext.vec": as_text(end=" "),
    "glove.txt": as_text(header=False),
    "wikipedia2vec.txt.bz2": bz2.compress(as_text()),
    "word2vec.bin.gz": gzip.compress(as_binary()),
    "fasttext.vec.gz": gzip.compress(as_text(end=" ")),
    "word2vec.txt.xz": lzma.compress(as_text()),
    "packed-without-suffix": bz2.compress(as_text()),
}


@pytest.mark.parametrize("name", FILES)
def test_every_format_is_read_without_entities(tmp_path, cache, name):
    (tmp_path / name).write_bytes(FILES[name])
    vectors = open_vector_file(tmp_path / name)
    rows = vectors.find([*WORDS, "dog"])
    unknown = [word == "ENTITY/Cat" for word in WORDS] + [True]
    assert (rows == MISSING).tolist() == unknown
    known = ~np.array(unknown[:-1])
    np.testing.assert_allclose(vectors.matrix[rows[:-1][known]], MATRIX[known], rtol=1e-6)
    assert len(vectors.matrix) == known.sum()


@pytest.mark.parametrize("binary", [False, True])
def test_files_of_gensim_are_read(tmp_path, cache, binary):
    gensim_models = pytest.importorskip("gensim.models")
    keyed = gensim_models.KeyedVectors(5)
    keyed.add_vectors(WORDS, MATRIX)
    keyed.save_word2vec_format(str(tmp_path / "v"), binary=binary)
    vectors = open_vector_file(tmp_path / "v")
    for word in set(WORDS) - {"ENTITY/Cat"}:
        assert np.array_equal(vectors.matrix[vectors.find([word])[0]], keyed[word])


def test_the_second_load_does_not_parse_the_file(vector_file, cache):
    first = open_vector_file(vector_file)
    script = """
import sys
import numpy as np
from pathlib import Path
from embedcache.words import vectors
vectors.read_vector_file = None  # parsing raises an error
vectors = vectors.open_vector_file(Path(sys.argv[1]))
assert isinstance(vectors.matrix, np.memmap)
print(vectors.matrix[vectors.find(["cat"])[0]].tolist())
"""
    moved = vector_file.rename(vector_file.with_name("moved.txt"))
    done = subprocess.run(
        [sys.executable, "-c", script, str(moved)], capture_output=True, text=True, check=True
    )
    assert np.array_equal(np.array(eval(done.stdout), np.float32), first.matrix[1])
    assert len(list(cache.iterdir())) == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the first line is neither"),
        (b"no vectors here\n", "the first line is neither"),
        (as_text().replace(b"9 5", b"99 5"), "ends after 9 of 99 vectors"),
        (as_text().replace(b"9 5", b"9 6"), "specifies 6 numbers per word, but .* has 5"),
        (as_text().replace(b"9 5", b"10 5") + b"dog 1 2\n", "the line b'dog 1 2.*has 3 columns"),
        (as_text().replace(b"9 5", b"10 5") + b"dog 1 2 x 4 5\n", "could not convert"),
        (as_binary()[:-30], "ends after 7 of 9"),
        (bz2.compress(as_text())[:-20], "end-of-stream"),
        (gzip.compress(as_text())[:-20], "end-of-stream"),
        (b"BZh" + as_text(), "cannot be read as word vectors"),
        (as_text(matrix=np.full_like(MATRIX, np.nan)), "NaN or infinity"),
        (as_text(["ENTITY/a", "ENTITY/b"], MATRIX[:2]), "the file has no words"),
        (b"1000000 0\na\n", "the first line is neither"),
        (b"3 400000000000\na\x00", "specifies 400,000,000,000 numbers per word, which is too many"),
    ],
    ids=[
        "empty",
        "prose",
        "count",
        "dimension",
        "columns",
        "number",
        "binary",
        "bz2",
        "gz",
        "no-bz2",
        "nan",
        "entities",
        "zero",
        "huge",
    ],
)
def test_a_malformed_file_gives_a_one_line_error_and_leaves_no_files(
    tmp_path, cache, content, message
):
    (tmp_path / "v.txt").write_bytes(content)
    with pytest.raises(UserError, match=message) as caught:
        open_vector_file(tmp_path / "v.txt")
    assert "\n" not in str(caught.value)
    assert str(tmp_path / "v.txt") in str(caught.value)
    assert not list(cache.glob("*"))
    assert not list(cache.glob(".*"))


@pytest.mark.parametrize("name", ["nowhere.txt", "~nobody/nowhere.txt"])
def test_a_missing_file_is_an_error(name):
    with pytest.raises(UserError, match="no such file"):
        load_encoder(f"wordvec:{name}")


@pytest.mark.parametrize(
    ("words", "language"),
    [(["雨", "の", "アメ", "cat"], "ja"), (WORDS, "other"), (["雨", "猫"], "other")],
)
def test_the_language_of_a_file_is_inferred_from_its_words(tmp_path, cache, words, language):
    (tmp_path / "v").write_bytes(as_text(words, MATRIX[: len(words)]))
    assert open_vector_file(tmp_path / "v").language == language
