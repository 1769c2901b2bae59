"""Which documents are train, dev and test. Whole documents, or one cut in order; never shuffled."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from xxhash import xxh3_64_intdigest

from embedcache import UserError
from segclf.corpus.documents import SPLITS, Document, Split

DEFAULT_SHARES = (0.8, 0.1, 0.1)
_SYNONYMS: dict[str, Split] = {
    "train": "train", "training": "train",
    "dev": "dev", "valid": "dev", "validation": "dev", "val": "dev",
    "test": "test",
}  # fmt: skip


def assign_splits(
    documents: Sequence[Document], split: str | None = None
) -> tuple[list[Document], list[Split]]:
    """Give every document a split.

    Args:
        documents: in any order; the answer depends on their ids alone.
        split: one of "train", "dev", "test" for all of them, or shares such as "80/10/10". By
            default what the files and their folders say, else 80/10/10. Shares sum to 100 or to 1.

    Returns:
        The documents and their splits. Fewer than three documents are cut, each in order.

    Raises:
        UserError: `split` is neither, or some files name a split and others do not.
    """
    if split in SPLITS:
        return list(documents), [split] * len(documents)
    if split is None:
        named = [document.split or _folder_split(document.id) for document in documents]
        known = [name for name in named if name is not None]
        if len(known) == len(documents):
            return list(documents), known
        if known:
            stray = documents[named.index(None)].id
            raise UserError(f"{stray} is in none of the folders train, dev and test: move it there")
    shares = _parse_shares(split) if split else DEFAULT_SHARES
    if len(documents) < len(SPLITS):
        return _cut(documents, shares)
    return list(documents), _by_document(documents, shares)


def _folder_split(document_id: str) -> Split | None:
    folder, slash, _ = document_id.partition("/")
    return _SYNONYMS.get(folder.lower()) if slash else None


def _parse_shares(split: str) -> tuple[float, float, float]:
    try:
        train, dev, test = (float(part) for part in split.split("/"))
    except ValueError:
        train = dev = test = -1.0
    total = train + dev + test
    whole = next((whole for whole in (1, 100) if math.isclose(total, whole, rel_tol=1e-6)), 0)
    if min(train, dev, test) < 0 or not whole:
        raise UserError(
            f"--split {split}: take train, dev, test, or shares such as 80/10/10 that sum to 100 "
            "or to 1"
        )
    return train / whole, dev / whole, test / whole


def _cut(
    documents: Sequence[Document], shares: tuple[float, float, float]
) -> tuple[list[Document], list[Split]]:
    parts: list[Document] = []
    splits: list[Split] = []
    for document in documents:
        edges = np.rint(np.cumsum([0.0, *shares]) * len(document.sentences)).astype(int)
        for split, start, stop in zip(SPLITS, edges, edges[1:], strict=False):
            if stop > start:
                part = slice(start, stop)
                parts.append(
                    replace(
                        document,
                        id=f"{document.id}#{split}",
                        sentences=document.sentences[part],
                        labels=document.labels[part],
                        headings=document.headings if not start else 0,
                    )
                )
                splits.append(split)
    return parts, splits


def _by_document(documents: Sequence[Document], shares: tuple[float, float, float]) -> list[Split]:
    """Deal documents, in an order that their ids fix, to the split that lacks most sentences."""
    order = sorted(range(len(documents)), key=lambda i: xxh3_64_intdigest(documents[i].id.encode()))
    total = sum(len(document.sentences) for document in documents)
    lacking = {split: share * total for split, share in zip(SPLITS, shares, strict=True)}
    splits: list[Split] = ["train"] * len(documents)
    empty = [split for split in SPLITS if lacking[split] > 0]
    for number, i in enumerate(order):
        must = len(empty) >= len(documents) - number  # no split stays without a document
        split = max(empty if must and empty else lacking, key=lambda name: lacking[name])
        splits[i] = split
        lacking[split] -= len(documents[i].sentences)
        if split in empty:
            empty.remove(split)
    return splits
