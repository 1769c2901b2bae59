"""The word vectors of the PyPI package `ja-ginza`, read without spaCy.

The vectors are chiVe (Manabe et al. 2019) with 300 dimensions, as distributed with GiNZA (Matsuda
et al. 2019). spaCy stores the matrix in `vectors`, an .npy file, and the row of each key in
`key2row`, a MessagePack map. A key is the MurmurHash64A of a word.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from embedcache.errors import UserError
from embedcache.hashing import hash_files
from embedcache.packages import package_folder
from embedcache.store.index import MISSING
from embedcache.words.vectors import WordVectors

_MASK = (1 << 64) - 1
_MULTIPLIER = 0xC6A4A7935BD1E995
_SEED = 1  # the seed that spaCy uses


def open_ginza_vectors() -> WordVectors:
    """Open the vectors of ja-ginza as a memory map.

    Raises:
        UserError: The package is missing.
    """
    package = package_folder("ja_ginza")
    folders = [path.parent for path in package.glob("*/vocab/key2row")] if package else []
    if not folders:
        raise UserError(
            "the encoder ginza needs the package ja-ginza: run pip install 'segtool[ginza]'"
        )
    import srsly

    matrix = np.load(folders[0] / "vectors", mmap_mode="r")
    row_of: dict[int, int] = srsly.read_msgpack(folders[0] / "key2row")

    def find(words: Sequence[str]) -> NDArray[np.int64]:
        rows = (row_of.get(murmur_hash(word.encode()), MISSING) for word in words)
        return np.fromiter(rows, dtype=np.int64, count=len(words))

    identity = {"vectors": hash_files([folders[0] / "vectors", folders[0] / "key2row"])}
    return WordVectors(matrix, find, "ja", identity)


def murmur_hash(data: bytes) -> int:
    """Return spaCy's key for a UTF-8 encoded word: MurmurHash64A (Appleby) with seed 1."""
    value = _SEED ^ (len(data) * _MULTIPLIER & _MASK)
    whole = len(data) & ~7
    for start in range(0, whole, 8):
        block = int.from_bytes(data[start : start + 8], "little") * _MULTIPLIER & _MASK
        block = (block ^ block >> 47) * _MULTIPLIER & _MASK
        value = (value ^ block) * _MULTIPLIER & _MASK
    if whole < len(data):
        value = (value ^ int.from_bytes(data[whole:], "little")) * _MULTIPLIER & _MASK
    value = (value ^ value >> 47) * _MULTIPLIER & _MASK
    return value ^ value >> 47
