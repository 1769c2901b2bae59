"""Tokenized corpora from which blocks of consecutive sentences are drawn."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

LEVELS = 2  # of boundaries: any, and paragraph


@dataclass(frozen=True)
class TokenizedCorpus:
    """The training documents of a corpus of n sentences.

    Attributes:
        tokens: (t,) int32, token ids of all sentences.
        starts: (n + 1,) int64, position in `tokens` where each sentence begins, and t.
        targets: (n, LEVELS) float32: whether each sentence is a boundary of any type, and whether
            it begins a paragraph. They are equal if the corpus distinguishes no lines of dialogue.
        documents: (m + 1,) int64, position of the first sentence of each document, and n.
    """

    tokens: NDArray[np.int32]
    starts: NDArray[np.int64]
    targets: NDArray[np.float32]
    documents: NDArray[np.int64]

    def lengths(self, sentences: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the number of tokens (m,) of m sentences, given their positions."""
        return self.starts[sentences + 1] - self.starts[sentences]

    def padded(self, sentences: NDArray[np.int64], padding: int) -> NDArray[np.int64]:
        """Return the token ids (m, longest) of m sentences, padded with `padding`."""
        lengths = self.lengths(sentences)
        positions = np.arange(lengths.max())
        indices = self.starts[sentences][:, None] + positions
        tokens = self.tokens[np.minimum(indices, len(self.tokens) - 1)]
        return np.where(positions < lengths[:, None], tokens, padding).astype(np.int64)


def read_training_documents(path: Path, tokenizer: Tokenizer, max_tokens: int) -> TokenizedCorpus:
    """Tokenize the training documents in a file that `recipes.sample` wrote.

    Args:
        path: JSON Lines file.
        tokenizer: Tokenizer of the encoder.
        max_tokens: Maximum number of tokens of a sentence. Longer sentences lose their middle,
            which says less about boundaries than their beginning and their end.
    """
    tokens: list[NDArray[np.int32]] = []
    labels: list[int] = []
    documents = [0]
    for record in training_records(path):
        for encoding in tokenizer.encode_batch_fast(record["sentences"]):
            tokens.append(_shorten(encoding.ids, max_tokens))
        labels += record["labels"]
        documents.append(len(labels))
    levels = np.array(labels)[:, None] > np.arange(LEVELS)
    return TokenizedCorpus(
        np.concatenate(tokens),
        np.cumsum([0, *map(len, tokens)], dtype=np.int64),
        levels.astype(np.float32),
        np.array(documents, dtype=np.int64),
    )


def training_records(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the records of the training documents in a file that `recipes.sample` wrote."""
    with path.open(encoding="utf-8") as file:
        for line in file:
            record = json.loads(line)
            if record["split"] == "train":
                yield record


def _shorten(ids: list[int], max_tokens: int) -> NDArray[np.int32]:
    half = max_tokens // 2
    return np.array(
        ids if len(ids) <= max_tokens else ids[:half] + ids[half - max_tokens :], dtype=np.int32
    )


def draw_blocks(
    corpus: TokenizedCorpus, size: int, length: int, generator: np.random.Generator
) -> Iterator[NDArray[np.int64]]:
    """Draw batches of blocks without end.

    In each epoch, each document is split into blocks from a random offset, and no sentence is drawn
    twice. Documents with `length` sentences or fewer are left out, and so are blocks that do not
    fill a batch.

    Args:
        corpus: Corpus with at least `size` blocks, whatever the offsets.
        size: Number of blocks in a batch.
        length: Number of sentences in a block.
        generator: Source of the offsets and the order.

    Yields:
        Positions of the sentences: (size, length) int64.
    """
    while True:
        firsts = np.concatenate(
            [
                np.arange(start + generator.integers(length), end - length + 1, length)
                for start, end in pairwise(corpus.documents)
                if end - start > length
            ]
        )
        generator.shuffle(firsts)
        for begin in range(0, len(firsts) - size + 1, size):
            yield firsts[begin : begin + size, None] + np.arange(length)
