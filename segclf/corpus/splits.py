"""Assignment of documents to the train, dev and test splits."""

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
from xxhash import xxh3_64_intdigest

from embedcache import UserError
from segclf.corpus.documents import SPLITS, Document, Split

_DEFAULT_SHARES = (0.8, 0.1, 0.1)
_SPLIT_OF_FOLDER: dict[str, Split] = {
    "train": "train", "training": "train",
    "dev": "dev", "valid": "dev", "validation": "dev", "val": "dev",
    "test": "test",
}  # fmt: skip


def assign_splits(
    documents: Sequence[Document], split: str | None = None
) -> tuple[list[Document], list[Split]]:
    """Assign every document to a split.

    With shares, whole documents are assigned. The assignment depends on their ids and lengths, not
    on their order. If there are fewer than three documents, each is instead split into consecutive
    parts for train, dev and test.

    Args:
        documents: Documents with unique ids.
        split: "train", "dev" or "test" for all documents, or shares such as "80/10/10", which sum
            to 100 or 1. None to use the splits given in the files or by the folders, or 80/10/10 if
            none are given.

    Returns:
        The documents, or their parts, and the split of each.

    Raises:
        UserError: The split is invalid, or only some of the documents have a split.
    """
    if split in SPLITS:
        return list(documents), [split] * len(documents)
    if split is None:
        named = [document.split or _folder_split(document.id) for document in documents]
        known = [name for name in named if name is not None]
        if len(known) == len(documents):
            return list(documents), known
        if known:
            document_id = documents[named.index(None)].id
            raise UserError(
                f"{document_id} is in none of the folders train, dev and test: move it into one of "
                'them, or give it a "split" if it is in a .jsonl file'
            )
    shares = _DEFAULT_SHARES if split is None else _parse_shares(split)
    if len(documents) < len(SPLITS):
        return _cut(documents, shares)
    return list(documents), _by_document(documents, shares)


def _folder_split(document_id: str) -> Split | None:
    folder, slash, _ = document_id.partition("/")
    return _SPLIT_OF_FOLDER.get(folder.lower()) if slash else None


def _parse_shares(split: str) -> tuple[float, float, float]:
    try:
        train, dev, test = (float(part) for part in split.split("/"))
    except ValueError:
        train = dev = test = -1.0
    total = train + dev + test
    whole = next((whole for whole in (1, 100) if math.isclose(total, whole, rel_tol=1e-6)), 0)
    if min(train, dev, test) < 0 or not whole:
        raise UserError(
            f"--split {split}: use train, dev or test, or shares such as 80/10/10 that sum to 100 "
            "or to 1"
        )
    return train / whole, dev / whole, test / whole


def _cut(
    documents: Sequence[Document], shares: tuple[float, float, float]
) -> tuple[list[Document], list[Split]]:
    """Split each document into consecutive parts, and return the parts and their splits."""
    parts: list[Document] = []
    splits: list[Split] = []
    for document in documents:
        length = len(document.sentences)
        inner_edges = np.rint(np.cumsum(shares[:2]) * length).astype(int)
        for split, (start, stop) in zip(SPLITS, pairwise([0, *inner_edges, length]), strict=True):
            if stop > start:
                part = replace(
                    document,
                    id=f"{document.id}#{split}",
                    sentences=document.sentences[start:stop],
                    labels=document.labels[start:stop],
                    headings=document.headings if not start else 0,
                    boundary=document.boundary if not start else None,
                )
                parts.append(part)
                splits.append(split)
    return parts, splits


def _by_document(documents: Sequence[Document], shares: tuple[float, float, float]) -> list[Split]:
    """Assign each document, in order of hashed ids, to the split that lacks the most sentences."""
    hashes = [xxh3_64_intdigest(document.id.encode()) for document in documents]
    order = sorted(range(len(documents)), key=hashes.__getitem__)
    total = sum(len(document.sentences) for document in documents)
    lacking = {split: share * total for split, share in zip(SPLITS, shares, strict=True)}
    splits: list[Split] = ["train"] * len(documents)
    empty = [split for split in SPLITS if lacking[split] > 0]
    for assigned, position in enumerate(order):
        remaining = len(documents) - assigned
        must_fill = bool(empty) and len(empty) >= remaining  # so that every split gets a document
        split = max(empty if must_fill else lacking, key=lambda name: lacking[name])
        splits[position] = split
        lacking[split] -= len(documents[position].sentences)
        if split in empty:
            empty.remove(split)
    return splits
