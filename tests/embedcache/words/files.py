"""Word vectors, and files that contain them."""

import numpy as np

WORDS = ["the", "cat", "sat", "Ann", "ann", ",", "雨", "ENTITY/Cat", "naïve"]
MATRIX = np.random.default_rng(0).standard_normal((len(WORDS), 5)).astype(np.float32)


def as_text(words=WORDS, matrix=MATRIX, *, header=True, end=""):
    """Return a file in the text format of word2vec, or of GloVe without the header."""
    rows = [
        f"{word} {' '.join(map(repr, vector.tolist()))}{end}"
        for word, vector in zip(words, matrix, strict=True)
    ]
    counts = [f"{len(words)} {matrix.shape[1]}"] if header else []
    return ("\n".join([*counts, *rows]) + "\n").encode()


def as_binary(words=WORDS, matrix=MATRIX):
    """Return a file in the binary format of word2vec."""
    rows = (
        word.encode() + b" " + vector.tobytes() + b"\n"
        for word, vector in zip(words, matrix, strict=True)
    )
    return f"{len(words)} {matrix.shape[1]}\n".encode() + b"".join(rows)
