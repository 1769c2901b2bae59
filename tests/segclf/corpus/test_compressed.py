"""Compressed texts, and the limit on their size."""

import bz2
import gzip
import lzma

import pytest
from backports import zstd

from embedcache import UserError
from segclf.corpus import read_corpus, read_unsegmented
from segclf.corpus.compressed import decompress
from tests.segclf.corpus.books import SRT
from tests.segclf.corpus.texts import INDENTED, read, write

COMPRESS = {".gz": gzip.compress, ".xz": lzma.compress, ".bz2": bz2.compress, ".zst": zstd.compress}


@pytest.mark.parametrize("suffix", COMPRESS)
def test_compressed_text_is_read_like_other_text(tmp_path, suffix):
    data = COMPRESS[suffix](INDENTED.encode("cp932"))
    path = write(tmp_path, data, f"a.txt{suffix}")
    plain = read(write(tmp_path / "plain", INDENTED, "a.txt"))
    assert read(path).sentences == plain.sentences
    source = read_unsegmented(path)
    assert source.text == INDENTED
    assert source.encoding.codec == "cp932"  # the output has the encoding of the input
    for damaged in (data[:-9], data[:14] + b"\xff" * len(data)):
        path = write(tmp_path, damaged, f"bad.txt{suffix}")
        with pytest.raises(UserError, match=r"bad\.txt\S+ is compressed by \w+, but it is damaged"):
            read_unsegmented(path)


def test_two_texts_that_were_compressed_separately_and_joined_are_one(tmp_path):
    for suffix, compress in COMPRESS.items():
        joined = compress(b"One. ") + compress(b"Two.")
        assert read_unsegmented(write(tmp_path, joined, f"a{suffix}")).text == "One. Two."


def test_the_format_of_a_compressed_file_is_that_of_its_content(tmp_path):
    line = b'{"paragraphs": ["One.", "Two."]}'
    assert read(write(tmp_path, gzip.compress(line), "a.jsonl.gz")).labels.tolist() == [True, True]
    page = write(tmp_path, gzip.compress(b"<p>One.<p>Two."), "a.html.gz")
    assert read(page).labels.tolist() == [True, True]
    assert read_unsegmented(write(tmp_path, gzip.compress(SRT.encode()), "a.gz")).text
    twice = write(tmp_path, gzip.compress(gzip.compress(b"One.")), "b.gz")
    with pytest.raises(UserError, match="is compressed by gzip: convert it"):
        read(twice)


def test_a_folder_has_compressed_texts(tmp_path):
    write(tmp_path, gzip.compress(b"One.\n\nTwo."), "a.txt.gz")
    write(tmp_path, gzip.compress(b"not a text"), "picture.png.gz")
    assert read_corpus(tmp_path, split="train").document_ids == ["a.txt.gz"]


@pytest.mark.parametrize("suffix", COMPRESS)
def test_a_file_that_would_fill_the_memory_is_refused(suffix):
    bomb = COMPRESS[suffix](bytes((1 << 26) + 1))
    with pytest.raises(UserError, match="x is larger than 64 MiB when it is decompressed"):
        decompress(bomb, "x")


def test_a_text_that_is_large_for_its_size_is_read_up_to_the_limit():
    text = b"It rained. " * 100_000
    assert decompress(gzip.compress(text), "x") == text


@pytest.mark.parametrize("suffix", COMPRESS)
def test_an_empty_file_can_be_compressed(suffix):
    assert decompress(COMPRESS[suffix](b""), "x") == b""


def test_a_text_that_begins_like_a_compressed_file_is_a_text():
    assert decompress(b"BZhang came.", "x") == b"BZhang came."
