"""Trains the encoder `static-paragraphs` on the works of many authors.

The token vectors are trained together with a head for each set, an MLP over windows, which also
reads the features of `surface`. The heads are discarded. The tokens are those of
multilingual-e5-small that are most frequent in the sets.

This takes about 15 minutes on 2 CPU cores. On another machine, the vectors are not the same bit for
bit. Therefore the ready models are trained with the file that is in the repository.

Usage: python -m recipes.static FOLDER

FOLDER contains the sets of texts; see `recipes.sample`.
"""

import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import save_file
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional

from embedcache.encoders.e5_small import make_tokenizer
from embedcache.encoders.static_paragraphs import (
    COMPONENTS,
    FILE,
    PIECES,
    SCALE,
    SCORES,
    VECTORS,
)
from embedcache.encoders.surface import SurfaceEncoder
from embedcache.encoders.token_means import EDGE
from recipes.pieces import choose_pieces
from recipes.sample import write_sample
from recipes.token_blocks import (
    TokenizedCorpus,
    draw_blocks,
    read_training_documents,
    training_records,
)
from recipes.training import WindowMlp, warmed_up_cosine

SURFACE = SurfaceEncoder()
_NO_LIMIT = sys.maxsize  # maximum number of tokens: no sentence is shortened


@dataclass(frozen=True)
class SetOptions:
    """A set of texts, and the options for its use.

    Attributes:
        name: Name of the folder of the set.
        sentences_per_author: Maximum number of sentences by each author.
        without_full_stops: Share of the works from whose sentences full stops are removed; see
            `recipes.sample.write_sample`.
        pieces: Number of tokens of the set, the most frequent ones, that have vectors.
        blocks: Number of blocks of the set in a step.
    """

    name: str
    sentences_per_author: int
    without_full_stops: float
    pieces: int
    blocks: int


@dataclass(frozen=True)
class Settings:
    """Settings of the training.

    Attributes:
        sets: The sets of texts.
        length: Number of sentences in a block.
        steps: Number of steps; 1,196 are three epochs of the Japanese set.
        token_rate: Maximum learning rate of the token vectors.
        rate: Maximum learning rate of the heads.
        window: Number of sentences on each side of a candidate that the heads read.
        hidden: Number of hidden units in each head.
        dropout: Dropout rate of the sentence vectors and features.
        token_dropout: Share of the tokens that are replaced by the unknown token in training.
        seed: Random seed for weights, dropout and the order of the blocks.
    """

    sets: tuple[SetOptions, ...] = (
        SetOptions("aozora-many", 7000, 0.34, pieces=10_000, blocks=48),
        SetOptions("eltec", 4000, 0.0, pieces=18_000, blocks=16),
    )
    length: int = 64
    steps: int = 1196
    token_rate: float = 1e-2
    rate: float = 1e-3
    window: int = 4
    hidden: int = 128
    dropout: float = 0.1
    token_dropout: float = 0.1
    seed: int = 0


@dataclass(frozen=True)
class SetOfTexts:
    """A tokenized set of texts and the (n, 255) float16 features of its sentences."""

    corpus: TokenizedCorpus
    surface: NDArray[np.float16]


class TokenMeans(nn.Module):
    """The trainable form of `StaticParagraphsEncoder`, with v tokens."""

    def __init__(self, tokens: int) -> None:
        super().__init__()
        self.bags = nn.ModuleList(
            nn.EmbeddingBag(tokens, COMPONENTS, mode="mean") for _ in range(3)
        )
        for bag in self.bags:
            nn.init.normal_(bag.weight, std=0.1)  # type: ignore[arg-type]

    def forward(self, tokens: NDArray[np.int64], counts: NDArray[np.int64]) -> Tensor:
        """Encode n sentences: (n, 3 * COMPONENTS).

        Args:
            tokens: (t,) token ids of all sentences.
            counts: (n,) number of tokens of each sentence.
        """
        starts = np.cumsum(counts) - counts
        edge = np.minimum(counts, EDGE)
        edge_starts = np.cumsum(edge) - edge
        within = np.arange(edge.sum()) - np.repeat(edge_starts, edge)
        first = tokens[np.repeat(starts, edge) + within]
        last = tokens[np.repeat(starts + counts - edge, edge) + within]
        inputs = (tokens, starts), (first, edge_starts), (last, edge_starts)
        means = [
            bag(torch.from_numpy(ids), torch.from_numpy(offsets))
            for bag, (ids, offsets) in zip(self.bags, inputs, strict=True)
        ]
        return torch.cat(means, dim=1)

    def table(self) -> NDArray[np.float32]:
        """Return the token vectors (v, 3 * COMPONENTS)."""
        return np.concatenate(
            [cast(Tensor, bag.weight).detach().numpy() for bag in self.bags], axis=1
        )


def main(sets: str) -> None:
    """Train the encoder on a folder of sets, and replace the file of the encoder."""
    settings = Settings()
    with tempfile.TemporaryDirectory() as folder:
        paths = [write_set(Path(sets), Path(folder), options) for options in settings.sets]
        pieces, scores = choose_pieces(paths, [options.pieces for options in settings.sets])
        tokenizer = make_tokenizer(pieces, scores, unknown=0)
        texts = [read_set(path, tokenizer) for path in paths]
    vectors, scale = quantize(train(texts, len(pieces), settings))
    content: dict[str, NDArray[Any]] = {
        PIECES: np.frombuffer("\n".join(pieces).encode(), dtype=np.uint8),
        SCORES: scores,
        VECTORS: vectors,
        SCALE: scale,
    }
    save_file(content, FILE)


def write_set(sets: Path, folder: Path, options: SetOptions) -> Path:
    """Write the sample of a set as JSON Lines, and return its path."""
    path = folder / f"{options.name}.jsonl"
    write_sample(
        sets / options.name,
        path,
        sentences_per_author=options.sentences_per_author,
        works_per_author=10_000,
        without_full_stops=options.without_full_stops,
    )
    return path


def read_set(path: Path, tokenizer: Tokenizer) -> SetOfTexts:
    """Read the training documents of a set, and compute the features of their sentences."""
    corpus = read_training_documents(path, tokenizer, _NO_LIMIT)
    surface = [SURFACE.encode(r["sentences"]).astype(np.float16) for r in training_records(path)]
    print(f"{path.stem}: {len(corpus.targets):,} sentences", flush=True)
    return SetOfTexts(corpus, np.concatenate(surface))


def train(texts: Sequence[SetOfTexts], tokens: int, settings: Settings) -> NDArray[np.float32]:
    """Train the token vectors.

    Args:
        texts: Texts of each set in the settings.
        tokens: Number of tokens v.
        settings: Settings.

    Returns:
        (v, 3 * COMPONENTS) float32 token vectors.
    """
    torch.manual_seed(settings.seed)
    generator = np.random.default_rng(settings.seed)
    encoder = TokenMeans(tokens)
    dim = 3 * COMPONENTS + SURFACE.dim
    heads = nn.ModuleList(WindowMlp(dim, settings.window, settings.hidden) for _ in texts)
    groups = [
        {"params": encoder.parameters(), "lr": settings.token_rate, "weight_decay": 0.0},
        {"params": heads.parameters(), "lr": settings.rate, "weight_decay": 0.01},
    ]
    optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, partial(warmed_up_cosine, settings.steps)
    )
    sizes = [options.blocks for options in settings.sets]
    batches = [
        draw_blocks(text.corpus, size, settings.length, generator)
        for text, size in zip(texts, sizes, strict=True)
    ]
    for step in range(settings.steps):
        loss = torch.zeros(())
        for head, text, batch in zip(heads, texts, batches, strict=True):
            blocks = next(batch)
            vectors = _encode(encoder, text, blocks, settings.token_dropout, generator)
            with torch.autocast("cpu", torch.bfloat16):
                logits = head(functional.dropout(vectors, settings.dropout))
            expected = torch.from_numpy(text.corpus.targets[blocks[:, 1:]])
            set_loss = functional.binary_cross_entropy_with_logits(logits[:, 1:].float(), expected)
            loss = loss + len(blocks) / sum(sizes) * set_loss
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
        if (step + 1) % 100 == 0:
            print(f"step {step + 1} of {settings.steps}: loss {loss.item():.4f}", flush=True)
    return encoder.table()


def _encode(
    encoder: TokenMeans,
    text: SetOfTexts,
    blocks: NDArray[np.int64],
    dropout: float,
    generator: np.random.Generator,
) -> Tensor:
    """Return vectors with features, (b, length, dim), of the sentences at positions (b, length).

    Tokens are replaced by the unknown token at the rate `dropout`.
    """
    corpus = text.corpus
    tokens = np.concatenate(
        [corpus.tokens[corpus.starts[block[0]] : corpus.starts[block[-1] + 1]] for block in blocks]
    ).astype(np.int64)
    tokens[generator.random(len(tokens)) < dropout] = 0
    vectors = encoder(tokens, corpus.lengths(blocks.reshape(-1)))
    surface = torch.from_numpy(text.surface[blocks].astype(np.float32))
    return torch.cat([vectors.view(*blocks.shape, -1), surface], dim=2)


def quantize(vectors: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Return vectors (v, c) as int8, and the scale of each column, (c,) float32."""
    scale = np.abs(vectors).max(axis=0) / 127
    return np.rint(vectors / scale).astype(np.int8), scale.astype(np.float32)


if __name__ == "__main__":
    main(*sys.argv[1:])
