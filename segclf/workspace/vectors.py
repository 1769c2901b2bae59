"""Examples of a corpus: its labels with the vectors of its sentences."""

import math
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedcache import UserError, sentence_ids
from embedcache.store import JOIN
from segclf.corpus import Corpus
from segclf.inputs.examples import Examples
from segclf.inputs.rows import PART, RowFile, Rows
from segclf.workspace.corpora import EncoderReference
from segclf.workspace.encoders import load_referenced
from segclf.workspace.memory import vectors_limit
from segclf.workspace.workspace import Workspace


class StoredRows:
    """The vectors of a corpus, read from the store in the order of the corpus.

    At least `PART` rows, or all rows up to the last one, are read from the store at a time and kept
    in memory. If ranges of rows are requested in order, only the rows of a range that extends
    beyond those in memory are read again.

    Args:
        corpus: Corpus of n sentences, or one split of it.
        workspace: Workspace with the store.
        encoder: Encoder that computed the vectors.

    Attributes:
        shape: Shape (n, d) of the vectors.
        dtype: Dtype of the vectors in memory, float32 or int32.
        stored_dtype: The smallest dtype that holds the stored numbers without loss.
        nbytes: Number of bytes of all vectors in memory.
        stored_bytes: Number of bytes of all vectors in their stored dtype.

    Raises:
        UserError: The workspace has no store.
        StoreError: The store is damaged or lacks the encoder.
    """

    def __init__(self, corpus: Corpus, workspace: Workspace, encoder: EncoderReference) -> None:
        self._workspace = workspace
        self._fingerprint = encoder.fingerprint
        self._ids = sentence_ids(corpus.sentences)
        store = workspace.store()
        infos = [store.space(part).info() for part in encoder.fingerprint.split(JOIN)]
        self.shape = (len(corpus), sum(info.dim for info in infos))
        self.dtype: np.dtype[Any] = np.dtype(infos[0].memory_dtype)
        self.stored_dtype: np.dtype[Any] = np.result_type(*(info.dtype for info in infos))
        self.nbytes, self.stored_bytes = (
            math.prod(self.shape) * dtype.itemsize for dtype in (self.dtype, self.stored_dtype)
        )
        self._start, self._part = 0, np.zeros((0, self.shape[1]), self.dtype)

    def __getitem__(self, rows: slice, /) -> NDArray[Any]:
        start, stop, _ = rows.indices(self.shape[0])
        if start < self._start or stop > self._start + len(self._part):
            self._part = self._part[:0].copy()  # free it before the next part is read
            # the store is opened again, so that pages of its memory map do not stay in memory
            ids = self._ids[start : max(stop, start + PART)]
            self._part = self._workspace.store().vectors(self._fingerprint, ids)
            self._start = start
        return self._part[start - self._start : stop - self._start]


def examples_of(
    corpus: Corpus,
    workspace: Workspace,
    encoder: EncoderReference,
    memory: float | None = None,
) -> Examples:
    """Make examples for prediction.

    The vectors are read into memory if they do not exceed `memory`. Otherwise, they are read from
    the store in parts.

    Args:
        corpus: Corpus, or one split of it, with the labels.
        workspace: Workspace with the store.
        encoder: Encoder that computed the vectors.
        memory: Maximum size of the vectors in memory, in gigabytes; None for
            `segclf.workspace.memory.vectors_limit`.

    Raises:
        StoreError: The store is damaged, or lacks the encoder or a sentence. If the vectors are
            read in parts, a missing sentence is found later.
        UserError: The workspace has no store, or the encoder returns words and their vectors cannot
            be loaded.
    """
    rows = StoredRows(corpus, workspace, encoder)
    fits = rows.nbytes <= vectors_limit(memory) * 1e9
    return make_examples(corpus, rows[:] if fits else rows, _token_vectors(rows, encoder))


def training_examples(
    train: Corpus,
    dev: Corpus,
    workspace: Workspace,
    encoder: EncoderReference,
    memory: float | None = None,
    progress: bool = False,
) -> tuple[Examples, Examples]:
    """Make examples of the train split and the dev split for training.

    If their vectors exceed `memory`, they are copied to temporary files in the workspace, from
    which the batches are read.

    Args:
        train: Train split, with the labels.
        dev: Dev split, with the labels.
        workspace: Workspace with the store.
        encoder: Encoder that computed the vectors.
        memory: Maximum size of the vectors in memory, in gigabytes; None for
            `segclf.workspace.memory.vectors_limit`.
        progress: Whether to show a progress bar on standard error while the vectors are copied.

    Raises:
        StoreError: The store is damaged, or lacks the encoder or a sentence.
        UserError: `memory` is negative or NaN, the workspace has no store, the disk has no space
            for the files, or the encoder returns words and their vectors cannot be loaded.
    """
    limit = vectors_limit(memory)
    rows = [StoredRows(split, workspace, encoder) for split in (train, dev)]
    tokens = _token_vectors(rows[0], encoder)
    size = sum(split_rows.nbytes for split_rows in rows)
    fits = size <= limit * 1e9
    if not fits:
        _check_space(workspace.path, sum(split_rows.stored_bytes for split_rows in rows), size)

    def make(split: Corpus, split_rows: StoredRows) -> Examples:
        if fits:
            return make_examples(split, split_rows[:], tokens)
        examples = make_examples(split, split_rows, tokens)
        dtype = split_rows.stored_dtype
        file = RowFile(examples.vectors, workspace.path, dtype, progress=progress)
        return replace(examples, vectors=file)

    return make(train, rows[0]), make(dev, rows[1])


def make_examples(
    corpus: Corpus, vectors: Rows, token_vectors: NDArray[np.float32] | None
) -> Examples:
    """Make examples from a corpus of n sentences.

    Args:
        corpus: Corpus with the labels.
        vectors: (n, d) float32 vectors of the sentences; or, for each word of a sentence, its row
            in `token_vectors`: (n, l) int32, padded with -1.
        token_vectors: (v, d) float32, the attribute of the encoder; None for an encoder that
            returns sentence vectors.
    """
    if token_vectors is None:
        return Examples(vectors, corpus.layout)
    return Examples.of_words(vectors, token_vectors, corpus.layout)


def _token_vectors(rows: StoredRows, encoder: EncoderReference) -> NDArray[np.float32] | None:
    return load_referenced(encoder).token_vectors if rows.dtype == np.int32 else None


def _check_space(folder: Path, size: int, in_memory: int) -> None:
    free = shutil.disk_usage(folder).free
    if size > free:
        raise UserError(
            f"training needs {size / 1e9:.1f} GB of disk space in {folder}, where "
            f"{free / 1e9:.1f} GB are free: free some space, or use memory instead with "
            f"--memory {math.ceil(in_memory / 1e8) / 10:g}"
        )
