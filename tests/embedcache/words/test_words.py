"""Word vectors: their files and their encoders."""

import bz2
import gzip
import lzma
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from embedcache import UserError, encode_sentences, load_encoder, sentence_ids
from embedcache.encoders.sif import SIF_A
from embedcache.encoders.word_vectors import MAX_WORDS, PADDING
from embedcache.store.index import MISSING
from embedcache.words import open_vector_file
from embedcache.words.ginza import murmur_hash
from embedcache.words.tokenizers import japanese_tokenizer, word_tokenizer

gensim_models = pytest.importorskip("gensim.models")

WORDS = ["the", "cat", "sat", "Ann", "ann", ",", "雨", "ENTITY/Cat", "naïve"]
MATRIX = np.random.default_rng(0).standard_normal((len(WORDS), 5)).astype(np.float32)
ENGLISH = ["The cat sat, naïve.", "Ann sat.", "Nobody knows.", "the the CAT", "", "cat"]


def as_text(words=WORDS, matrix=MATRIX, *, header=True, end=""):
    rows = [
        f"{w} {' '.join(map(repr, v.tolist()))}{end}" for w, v in zip(words, matrix, strict=True)
    ]
    counts = [f"{len(words)} {matrix.shape[1]}"] if header else []
    return ("\n".join([*counts, *rows]) + "\n").encode()


def as_binary(words=WORDS, matrix=MATRIX):
    rows = (
        word.encode() + b" " + v.tobytes() + b"\n" for word, v in zip(words, matrix, strict=True)
    )
    return f"{len(words)} {matrix.shape[1]}\n".encode() + b"".join(rows)


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


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "segtool" / "words"


@pytest.fixture
def vector_file(tmp_path, cache):
    path = tmp_path / "vectors.txt"
    path.write_bytes(as_text())
    return path


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


def test_a_missing_file_is_an_error():
    with pytest.raises(UserError, match="no such file"):
        load_encoder("wordvec:nowhere.txt")


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


@pytest.mark.parametrize(
    ("words", "language"),
    [(["雨", "の", "アメ", "cat"], "ja"), (WORDS, "other"), (["雨", "猫"], "other")],
)
def test_the_language_of_a_file_is_inferred_from_its_words(tmp_path, cache, words, language):
    (tmp_path / "v").write_bytes(as_text(words, MATRIX[: len(words)]))
    assert open_vector_file(tmp_path / "v").language == language


def test_tokens_of_languages_with_spaces():
    tokens = [forms[0] for forms in word_tokenizer().tokenize("É o mesmo rio? Não, 3 rios.")]
    assert tokens == ["É", "o", "mesmo", "rio", "?", "Não", ",", "3", "rios", "."]


def test_japanese_tokens_are_looked_up_by_surface_and_then_by_dictionary_form():
    tokens = japanese_tokenizer().tokenize("雨が降っていた。 傘")
    assert [forms[0] for forms in tokens] == ["雨", "が", "降っ", "て", "い", "た", "。", "傘"]
    assert "降る" in tokens[2][1:]


def test_a_very_long_sentence_is_tokenized():
    assert len(japanese_tokenizer().tokenize("雨が降る。" * 20_000)) > 70_000


def reference_words(sentence):
    """Return the rows of the known words of an English sentence."""
    row_of = {word: row for row, word in enumerate(WORDS) if word != "ENTITY/Cat"}
    tokens = sentence.replace(",", " , ").replace(".", " . ").split()
    forms = [next((f for f in (t, t.lower()) if f in row_of), None) for t in tokens]
    return [row_of[form] for form in forms if form], len(tokens)


def test_the_mean_ignores_unknown_words(vector_file):
    encoder = load_encoder(f"wordvec:{vector_file}")
    assert (encoder.name, encoder.dim) == ("wordvec:vectors.txt", 5)
    matrix = MATRIX.astype(np.float64)
    expected = [
        matrix[rows].mean(axis=0) if rows else np.zeros(5)
        for rows, _ in map(reference_words, ENGLISH)
    ]
    vectors = encoder.encode(ENGLISH)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors, expected, atol=1e-6)
    assert not vectors[[2, 4]].any()
    assert encoder.encode([]).shape == (0, 5)


def reference_sif(train, sentences):
    """A direct implementation of Arora et al. 2017 in float64."""
    total = sum(reference_words(sentence)[1] for sentence in train)
    known = np.concatenate([reference_words(sentence)[0] for sentence in train]).astype(int)
    share = np.bincount(known, minlength=len(WORDS)) / total
    weighted = MATRIX.astype(np.float64) * (SIF_A / (SIF_A + share))[:, None]

    def means(texts):
        rows = [reference_words(text)[0] for text in texts]
        return np.array([weighted[r].mean(axis=0) if r else np.zeros(5) for r in rows])

    component = np.linalg.svd(means(train))[2][0]
    vectors = means(sentences)
    return vectors - np.outer(vectors @ component, component)


def test_sif_agrees_with_the_paper(vector_file):
    train = ENGLISH[:4] * 700
    encoder = load_encoder(f"wordvec:{vector_file}", pooling="sif")
    with pytest.raises(UserError, match="fitted first"):
        encoder.encode(ENGLISH)
    expected_fingerprint = encoder.fingerprint_fitted_on(train)
    encoder.fit(train)
    assert encoder.fingerprint == expected_fingerprint
    vectors = encoder.encode(ENGLISH)
    np.testing.assert_allclose(vectors, reference_sif(train, ENGLISH), atol=1e-6)
    np.testing.assert_allclose(encoder.encode(ENGLISH[::-1]), vectors[::-1], atol=1e-6)
    restored = load_encoder(f"wordvec:{vector_file}", pooling="sif")
    restored.restore(encoder.state)
    assert restored.fingerprint == encoder.fingerprint
    assert np.array_equal(restored.encode(ENGLISH), vectors)


def test_fingerprints_depend_on_file_pooling_and_fit(tmp_path, vector_file):
    name = f"wordvec:{vector_file}"
    encoders = [load_encoder(name, pooling=pooling) for pooling in ("mean", "sif", "tokens")]
    sif = load_encoder(name, pooling="sif")
    seen = {encoder.fingerprint for encoder in encoders}
    seen |= {sif.fingerprint_fitted_on(ENGLISH), sif.fingerprint_fitted_on(ENGLISH[1:])}
    other = tmp_path / "other.txt"
    other.write_bytes(as_text(matrix=MATRIX + 1))
    seen.add(load_encoder(f"wordvec:{other}").fingerprint)
    assert len(seen) == 6
    assert sif.fingerprint_fitted_on(ENGLISH[::-1]) == sif.fingerprint_fitted_on(ENGLISH)
    assert load_encoder(name).fingerprint == encoders[0].fingerprint


def test_tokens_are_rows_in_the_order_of_the_sentence(vector_file, store):
    encoder = load_encoder(f"wordvec:{vector_file}", pooling="tokens")
    long = ["cat " * MAX_WORDS, "cat " * (MAX_WORDS + 1), "dog " * 500]
    sentences = [*ENGLISH, *long]
    report = encode_sentences(sentences, encoder, store)
    assert report.truncated == 1
    space = store.space(encoder.fingerprint)
    assert space.info().dtype == "int32"
    read = space.vectors(sentence_ids(" ".join(sentence.split()) for sentence in sentences))
    assert (read.dtype, read.shape) == (np.int32, (len(sentences), MAX_WORDS))
    for row, sentence in zip(read, sentences, strict=True):
        words = MATRIX[reference_words(sentence)[0][:MAX_WORDS]]
        np.testing.assert_allclose(encoder.vectors.matrix[row[: len(words)]], words, rtol=1e-6)
        assert (row[len(words) :] == PADDING).all()


def test_unsuitable_poolings_are_errors(vector_file):
    with pytest.raises(UserError, match="choose --pooling from mean, sif, tokens"):
        load_encoder(f"wordvec:{vector_file}", pooling="cls")
    with pytest.raises(UserError, match="for word vectors only: ginza or wordvec:FILE"):
        load_encoder("some/model", pooling="sif")


JAPANESE = ["雨が降っていた。", "「傘を忘れたのか」と彼女は訊いた。", "ABCとGiNZA", "㍿"]


@settings(deadline=None)  # the first call imports spaCy
@given(st.text(max_size=40))
@example("雨が降っている")
def test_keys_equal_those_of_spacy(word):
    hash_string = pytest.importorskip("spacy.strings").hash_string
    if word:
        assert murmur_hash(word.encode()) == hash_string(word)


def test_ginza_vectors_equal_those_of_spacy():
    ja_ginza = pytest.importorskip("ja_ginza")
    from pathlib import Path

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
    assert encoder.encode(JAPANESE).any(axis=1).tolist()[:2] == [True, True]


def test_ginza_imports_neither_spacy_nor_torch():
    pytest.importorskip("ja_ginza")
    script = """
import sys
from embedcache import load_encoder
assert load_encoder("ginza").encode(["雨が降る"]).any()
assert not {"spacy", "ginza", "torch", "transformers", "gensim"} & sys.modules.keys()
"""
    subprocess.run([sys.executable, "-c", script], check=True)
