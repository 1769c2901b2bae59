"""Fine-tunes the encoder `e5-small-paragraphs` on the works of many authors.

The encoder is trained together with two heads that predict the boundaries in blocks of sentences:
an MLP over windows, and a bidirectional LSTM over the whole block. The heads are discarded. About
two epochs are best on the dev authors: with eight, the loss on the training authors halves, and F1
on dev is lower by 0.01 to 0.03.

This takes 3 minutes on a data centre GPU, and most of a day on 2 CPU cores. On another machine, the
weights are not the same bit for bit. Therefore the ready models are trained with the file that is
in the repository.

Usage: python -m recipes.encoder FOLDER

FOLDER contains the sets of texts; see `recipes.sample`.
"""

import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import save_file
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parametrize

from embedcache.encoders import e5_small
from embedcache.encoders.devices import best_device
from embedcache.encoders.e5_small_paragraphs import ADAPTER, LAYERS
from recipes.low_rank import LowRankEncoder
from recipes.sample import write_sample
from recipes.token_blocks import LEVELS, TokenizedCorpus, draw_blocks, read_training_documents
from recipes.training import WindowMlp, warmed_up_cosine

_WIDTH = 256  # number of hidden units in each head
_BATCHES = 6  # of sentences of similar length, for each set in a step, to save padding


@dataclass(frozen=True)
class Settings:
    """Settings of the fine-tuning.

    Attributes:
        sets: Name of each set and its maximum number of sentences by each author.
        blocks: Number of blocks of each set in a step.
        length: Number of sentences in a block.
        max_tokens: Maximum number of tokens of a sentence.
        steps: Number of steps.
        rank: Rank of the changes to the weight matrices.
        rate: Maximum learning rate of the changes and the heads; that of biases and layer
            normalizations is 0.3 times as high.
        window: Number of sentences on each side of a candidate that the MLP reads.
        dropout: Dropout rate of the sentence vectors.
        seed: Random seed for weights, dropout and the order of the blocks.
    """

    sets: tuple[tuple[str, int], ...] = (("aozora-many", 7000), ("eltec", 1900))
    blocks: tuple[int, ...] = (48, 16)
    length: int = 64
    max_tokens: int = 80
    steps: int = 620
    rank: int = 32
    rate: float = 1e-3
    window: int = 4
    dropout: float = 0.05
    seed: int = 0


class Heads(nn.Module):
    """An MLP over windows and a bidirectional LSTM over whole blocks of sentences."""

    def __init__(self, dim: int, window: int) -> None:
        super().__init__()
        self.mlp = WindowMlp(dim, window, _WIDTH)
        self.lstm = nn.LSTM(dim, _WIDTH // 2, batch_first=True, bidirectional=True)
        self.out = nn.Linear(_WIDTH, LEVELS)

    def forward(self, vectors: Tensor) -> tuple[Tensor, Tensor]:
        """Return the logits (b, length, LEVELS) of both heads for vectors (b, length, dim)."""
        states = functional.dropout(self.lstm(vectors)[0], 0.2, self.training)
        return self.mlp(vectors), self.out(states)


def main(sets: str) -> None:
    """Fine-tune the encoder on a folder of sets, and replace the file of the encoder."""
    settings = Settings()
    tokenizer = Tokenizer.from_file(str(e5_small.model_directory() / "tokenizer.json"))
    corpora = []
    with tempfile.TemporaryDirectory() as folder:
        for name, sentences in settings.sets:
            path = Path(folder) / f"{name}.jsonl"
            write_sample(
                Path(sets) / name, path, sentences_per_author=sentences, works_per_author=10_000
            )
            corpora.append(read_training_documents(path, tokenizer, settings.max_tokens))
            print(f"{name}: {len(corpora[-1].targets):,} sentences", flush=True)
    save_file(fine_tune(corpora, settings, best_device()), ADAPTER)


def fine_tune(
    corpora: Sequence[TokenizedCorpus], settings: Settings, device: str
) -> dict[str, NDArray[np.float16]]:
    """Fine-tune the first layers of e5-small.

    Args:
        corpora: Corpora; separate heads are trained for each corpus.
        settings: Settings, with a number in `blocks` for each corpus.
        device: Device to compute on.

    Returns:
        The adapter; see `embedcache.encoders.e5_small_paragraphs.merge`.
    """
    torch.manual_seed(settings.seed)
    generator = np.random.default_rng(settings.seed)
    encoder = LowRankEncoder(e5_small.model_directory(), LAYERS, settings.rank).to(device)
    heads = nn.ModuleList(Heads(e5_small.DIM, settings.window) for _ in corpora).to(device)
    groups = [
        {"params": encoder.factors(), "lr": settings.rate, "weight_decay": 0.0},
        {"params": encoder.one_dimensional(), "lr": 0.3 * settings.rate, "weight_decay": 0.0},
        {"params": list(heads.parameters()), "lr": settings.rate, "weight_decay": 0.01},
    ]
    optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, partial(warmed_up_cosine, settings.steps)
    )
    parameters = [p for group in groups for p in group["params"]]  # type: ignore[attr-defined]
    batches = [
        draw_blocks(corpus, size, settings.length, generator)
        for corpus, size in zip(corpora, settings.blocks, strict=True)
    ]
    for step in range(settings.steps):
        loss = torch.zeros((), device=device)
        with torch.autocast(device.partition(":")[0], torch.bfloat16), parametrize.cached():
            for corpus_heads, corpus, batch in zip(heads, corpora, batches, strict=True):
                blocks = next(batch)
                vectors = _encode(encoder, corpus, blocks, device)
                vectors = functional.dropout(vectors, settings.dropout)
                share = len(blocks) / sum(settings.blocks)
                loss = loss + share * _loss(corpus_heads(vectors), corpus.targets[blocks])
            loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        schedule.step()
        if (step + 1) % 20 == 0:
            print(f"step {step + 1} of {settings.steps}: loss {loss.item():.4f}", flush=True)
    return encoder.adapter()


def _encode(
    encoder: LowRankEncoder, corpus: TokenizedCorpus, blocks: NDArray[np.int64], device: str
) -> Tensor:
    """Return the vectors (b, length, dim) of the sentences at the positions (b, length)."""
    sentences = blocks.reshape(-1)
    order = np.argsort(corpus.lengths(sentences), kind="stable")
    parts = [
        encoder(torch.from_numpy(corpus.padded(sentences[part], encoder.padding)).to(device))
        for part in np.array_split(order, _BATCHES)
    ]
    vectors = torch.cat(parts)[torch.from_numpy(np.argsort(order)).to(device)]
    return vectors.view(*blocks.shape, -1)


def _loss(outputs: tuple[Tensor, Tensor], targets: NDArray[np.float32]) -> Tensor:
    """Return the sum of the mean cross-entropies of both heads.

    The first sentence of each block is left out, since the block lacks the text before it.
    """
    expected = torch.from_numpy(targets[:, 1:]).to(outputs[0].device)
    return sum(
        (
            functional.binary_cross_entropy_with_logits(logits[:, 1:].float(), expected)
            for logits in outputs
        ),
        start=torch.zeros((), device=expected.device),
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
