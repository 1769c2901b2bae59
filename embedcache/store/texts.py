"""The texts of sentences, which a store keeps on request in addition to the vectors.

The texts are kept in parts. The value of a part is the number n of its texts (8 bytes), a segment
of the index with their ids (24 n bytes), and the texts in UTF-8, each followed by a line feed. A
normalized sentence has no line feed. The entries of the segment are the offsets of the texts. A new
part is merged with earlier ones of similar size, as segments are: see `embedcache.store.index`.
"""

import re
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import lmdb
import numpy as np
from numpy.typing import NDArray

from embedcache.ids import Ids, sentence_ids
from embedcache.store import index, values
from embedcache.store.environment import Environment
from embedcache.store.index import ENTRY_BYTES, Segment
from embedcache.store.values import TEXT_PREFIX

_NUMBER_BYTES = 8  # of the number of texts
_WRITTEN_AT_ONCE = 1 << 24  # characters; limits the memory of a transaction
_LARGEST_MERGE = 1 << 26  # maximum size of a merged part in bytes
_LINE = re.compile(rb"[^\n]*")


@dataclass(frozen=True)
class TextPart:
    """Texts, and the ids under which they are stored.

    Attributes:
        segment: Ids of n sentences; their entries are the offsets of the texts in `lines`.
        lines: Texts in UTF-8, each followed by a line feed.
    """

    segment: Segment
    lines: bytes | memoryview

    def __len__(self) -> int:
        return len(self.segment)

    @classmethod
    def of(cls, texts: Sequence[str]) -> "TextPart":
        """Return a part that holds distinct normalized sentences.

        Raises:
            ValueError: A text has a line feed.
        """
        encoded = [text.encode() for text in texts]
        if any(b"\n" in line for line in encoded):
            raise ValueError("a text that is kept must be normalized")
        starts = np.cumsum([0, *(len(line) + 1 for line in encoded)])[:-1]
        lines = b"".join(line + b"\n" for line in encoded)
        return cls(Segment.sorted_from(sentence_ids(texts), starts), lines)

    @classmethod
    def from_bytes(cls, data: memoryview) -> "TextPart":
        """Return a part that is a view of the bytes that `to_bytes` returned."""
        (count,) = struct.unpack_from("<Q", data)
        stop = _NUMBER_BYTES + ENTRY_BYTES * count
        return cls(Segment.from_bytes(data[_NUMBER_BYTES:stop]), data[stop:])

    def to_bytes(self) -> bytes:
        """Return the bytes that `from_bytes` reads."""
        return b"".join((struct.pack("<Q", len(self)), self.segment.to_bytes(), self.lines))

    def texts(self) -> list[str]:
        """Return the texts in the order of the segment."""
        return [self._text(start) for start in self.segment.entries.tolist()]

    def find(self, ids: Ids) -> dict[int, str]:
        """Return the texts that the part has of sentences (n, 2), by their position in `ids`."""
        starts = index.find_in([self.segment], ids)
        present = np.flatnonzero(starts != index.MISSING)
        pairs = zip(present.tolist(), starts[present].tolist(), strict=True)
        return {position: self._text(start) for position, start in pairs}

    def agrees(self) -> NDArray[np.bool_]:
        """Return whether each text has the id under which it is stored: (n,) bool."""
        agrees: NDArray[np.bool_] = (sentence_ids(self.texts()) == self.segment.ids).all(axis=1)
        return agrees

    def select(self, wanted: NDArray[np.bool_]) -> "TextPart":
        """Return a part with the texts where `wanted` (n,) is True.

        The ids of these texts are computed again, so each text must agree with its id.
        """
        pairs = zip(self.texts(), wanted, strict=True)
        return TextPart.of([text for text, is_wanted in pairs if is_wanted])

    def _text(self, start: int) -> str:
        line = _LINE.match(self.lines, start)
        # bytes that are not UTF-8 become a text with another id
        return line.group().decode(errors="replace") if line else ""


class Texts:
    """The texts of sentences in a store; see `EmbeddingStore.texts`."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment

    def size(self) -> tuple[int, int]:
        """Return the number of texts, and the size of the parts in bytes.

        Raises:
            StoreError: A part is damaged.
        """
        with self._environment.reading() as transaction:
            parts = list(read_parts(self._environment, transaction).values())
            return sum(map(len, parts)), sum(map(_bytes_of, parts))

    def find(self, ids: Ids) -> list[str | None]:
        """Return the texts of sentences (n, 2): n texts, None for those that are not kept.

        Raises:
            StoreError: A part is damaged.
        """
        with self._environment.reading() as transaction:
            return find_texts(read_parts(self._environment, transaction).values(), ids)

    def add(self, texts: Sequence[str]) -> int:
        """Add the texts that the store does not have, about 16 million characters per transaction.

        Args:
            texts: Normalized sentences.

        Returns:
            Number of new texts.

        Raises:
            StoreError: The store is read-only, damaged or of an earlier format, or the disk is
                full.
            ValueError: A new text has a line feed.
        """
        with self._environment.reading() as transaction:
            absent = _absent(texts, read_parts(self._environment, transaction))
        added = 0
        for piece in _pieces(absent):
            size = sum(map(len, piece))
            added += self._environment.write(partial(self._add, piece), 4 * size + (1 << 22))
        return added

    def _add(self, texts: Sequence[str], transaction: lmdb.Transaction) -> int:
        """Add texts in a transaction, except those that another process has just added."""
        values.check_format(self._environment, transaction)
        present = read_parts(self._environment, transaction)
        absent = _absent(texts, present)
        if not absent:
            return 0
        added = TextPart.of(absent)
        sizes = [_bytes_of(part) for part in present.values()]
        count = index.segments_to_merge(sizes, _bytes_of(added), _LARGEST_MERGE)
        keys = list(present)
        kept, absorbed = keys[: len(keys) - count], keys[len(keys) - count :]
        old = [_read_part(self._environment, transaction, key, reverify=True) for key in absorbed]
        merged = _merge([*old, added])
        for key in absorbed:
            transaction.delete(key)
        number = _number_of(kept[-1]) + 1 if kept else 0
        values.put(transaction, text_key(number), merged.to_bytes())
        values.put_format(transaction, values.FORMAT_WITH_TEXTS)
        return len(absent)


def text_key(number: int) -> bytes:
    """Return the key of a part."""
    return TEXT_PREFIX + struct.pack(">Q", number)


def read_parts(environment: Environment, transaction: lmdb.Transaction) -> dict[bytes, TextPart]:
    """Read all parts by key, oldest first, as views that are valid until the transaction ends.

    Raises:
        StoreError: A part is damaged.
    """
    keys = values.keys_with(transaction, TEXT_PREFIX)
    return {key: _read_part(environment, transaction, key) for key in keys}


def find_texts(parts: Iterable[TextPart], ids: Ids) -> list[str | None]:
    """Return the texts of sentences (n, 2) in parts: n texts, None for those that are missing."""
    found: dict[int, str] = {}
    for part in parts:
        found |= part.find(ids)
    return [found.get(position) for position in range(len(ids))]


def _read_part(
    environment: Environment, transaction: lmdb.Transaction, key: bytes, *, reverify: bool = False
) -> TextPart:
    value = values.get(environment, transaction, key, reverify=reverify)
    if value is None:
        raise values.damaged(environment, key)
    return TextPart.from_bytes(value)


def _absent(texts: Sequence[str], parts: Mapping[bytes, TextPart]) -> list[str]:
    """Return the distinct texts that no part has."""
    ids = sentence_ids(texts)
    first = index.first_occurrences(ids)
    entries = index.find_in([part.segment for part in parts.values()], ids[first])
    return [texts[position] for position in first[entries == index.MISSING]]


def _pieces(texts: Iterable[str]) -> Iterator[list[str]]:
    piece: list[str] = []
    size = 0
    for text in texts:
        piece.append(text)
        size += len(text)
        if size >= _WRITTEN_AT_ONCE:
            yield piece
            piece, size = [], 0
    if piece:
        yield piece


def _merge(parts: Sequence[TextPart]) -> TextPart:
    """Merge parts that have no id in common."""
    starts = np.cumsum([0, *(len(part.lines) for part in parts)])
    segments = [
        replace(part.segment, entries=part.segment.entries + start)
        for part, start in zip(parts, starts, strict=False)
    ]
    return TextPart(index.merge(segments), b"".join(part.lines for part in parts))


def _bytes_of(part: TextPart) -> int:
    return _NUMBER_BYTES + ENTRY_BYTES * len(part) + len(part.lines)


def _number_of(key: bytes) -> int:
    return int.from_bytes(key[len(TEXT_PREFIX) :], "big")
