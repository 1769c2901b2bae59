"""Hierarchical BERT: the encoder encodes each sentence separately, and a head reads the vectors.

Lukasik et al. 2020, "Text Segmentation by Cross Segment Attention", combine BERT with a BiLSTM and
with a second Transformer in this way, but over a whole document instead of a window.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from embedcache.batches import token_batches
from embedcache.terminal import progress_bar
from segclf.finetune.backbone import Backbone, Text, TokenRows
from segclf.finetune.options import HierarchicalOptions, UpperName
from segclf.finetune.system import System
from segclf.heads.base import Head
from segclf.heads.registry import WINDOW_HEADS
from segclf.inputs.blocks import block_size, shuffled_blocks
from segclf.inputs.examples import Examples
from segclf.inputs.sentence_tensors import Sentences
from segclf.inputs.windows import OUTSIDE, windows_at

SPECIAL_TOKENS = 2  # [CLS] sentence [SEP]
_BLOCKS = 4  # approximate number of blocks of consecutive candidates in a group
_STANDARDIZATION_SAMPLE = 256  # number of sentences used to standardize vectors


class Concatenate(Head):
    """A classifier with one hidden layer on the concatenated vectors of a window's sentences.

    Args:
        dim: Length d of a sentence vector.
        window: Number of sentences w on each side of a candidate.
        layer: Size of the hidden layer.
        dropout: Dropout rate of the sentence vectors and of the hidden layer.
    """

    def __init__(self, dim: int, window: int, *, layer: int = 128, dropout: float = 0.3) -> None:
        super().__init__(dim, window, dim, dropout)
        self.project = nn.Sequential(nn.Dropout(dropout))  # dropout without a projection
        self.classify = nn.Sequential(
            nn.Linear(2 * window * dim, layer), nn.GELU(), nn.Dropout(dropout), nn.Linear(layer, 1)
        )

    def forward(self, sentences: Sentences, windows: Tensor) -> Tensor:
        """Return the logits (b,) of windows (b, 2w) over s sentences."""
        logits: Tensor = self.classify(self.gather(sentences, windows).flatten(1))  # (b, 1)
        return logits.squeeze(1)


def _make_head(name: UpperName, dim: int, window: int) -> Head:
    return Concatenate(dim, window) if name == "concatenate" else WINDOW_HEADS[name](dim, window)


class Hierarchical(System):
    """A head on sentence vectors, trained together with the encoder that computes them.

    Args:
        backbone: Encoder to fine-tune.
        options: Options of the system.
    """

    def __init__(self, backbone: Backbone, options: HierarchicalOptions) -> None:
        super().__init__(backbone)
        self.pooling = options.pooling
        self.head = _make_head(options.upper, backbone.dim, options.sentences)
        self.head.clip_sigma = None  # a clipped vector would have no gradient

    def prepare(self, text: Text) -> None:
        """Compute the mean and the scale of the head's inputs from a sample of the sentences."""
        self.eval()
        chosen = np.unique(np.linspace(0, len(text) - 1, _STANDARDIZATION_SAMPLE).astype(np.int64))
        with torch.no_grad():
            self.head.standardize_by(self.encode(text, chosen))

    def groups(self, text: Text, size: int, random: np.random.Generator) -> list[NDArray[np.int64]]:
        """Divide the candidates into groups of a few blocks of consecutive candidates.

        The order of the blocks and the positions of their edges are random.
        """
        in_block = np.arange(block_size(size, _BLOCKS))
        groups = []
        for starts in shuffled_blocks(len(text), size, _BLOCKS, random):
            positions = (starts[:, None] + in_block).flatten()
            positions = positions[(positions >= 0) & (positions < len(text))]
            groups.append(positions[text.layout.is_candidate[positions]])
        return [group for group in groups if len(group)]

    def forward(self, text: Text, candidates: NDArray[np.int64]) -> Tensor:
        """Return the logits (b,) of candidates (b,), given as sentence positions in the text.

        Each sentence in the windows is encoded once.
        """
        positions = windows_at(text.layout, self.head.window, candidates)  # (b, 2w)
        inside = positions != OUTSIDE
        sentences, indices = np.unique(positions[inside], return_inverse=True)
        windows = np.full(positions.shape, OUTSIDE)
        windows[inside] = indices
        vectors = self.encode(text, sentences)
        logits: Tensor = self.head(vectors, torch.from_numpy(windows).to(vectors.device))
        return logits

    def predict(self, text: Text, *, progress: bool = False) -> NDArray[np.float32]:
        """Predict a probability for every sentence. Each sentence is encoded once."""
        self.eval()
        with torch.inference_mode():
            vectors = self.encode(text, np.arange(len(text)), progress=progress)
        return self.head.predict(Examples(vectors.cpu().numpy(), text.layout))

    def encode(self, text: Text, sentences: NDArray[np.int64], *, progress: bool = False) -> Tensor:
        """Return the vectors (s, d) float32 of the sentences at positions (s,) in a text.

        The sentences are encoded in batches of similar length. Sentences that are too long for the
        encoder are truncated.
        """
        lengths = text.starts[sentences + 1] - text.starts[sentences] + SPECIAL_TOKENS
        lengths = np.minimum(lengths, self.backbone.max_tokens)
        parts = []
        batches = list(token_batches(lengths, self.backbone.batch_tokens))
        with progress_bar(len(sentences), "sentences", show=progress, leave=False) as bar:
            for batch in batches:
                parts.append(self._pooled(self._rows(text, sentences[batch], lengths[batch])))
                bar.update(len(batch))
        order = torch.from_numpy(np.argsort(np.concatenate(batches))).to(self.backbone.device)
        return torch.cat(parts)[order]

    def _rows(
        self, text: Text, sentences: NDArray[np.int64], lengths: NDArray[np.int64]
    ) -> TokenRows:
        rows = TokenRows.empty(len(sentences), int(lengths.max()), self.backbone.padding)
        rows.ids[:, 0] = self.backbone.cls_token
        for row, (start, length) in enumerate(zip(text.starts[sentences], lengths, strict=True)):
            rows.ids[row, 1 : length - 1] = text.tokens[start : start + length - SPECIAL_TOKENS]
            rows.ids[row, length - 1] = self.backbone.sep_token
            rows.mask[row, :length] = 1
        return rows

    def _pooled(self, rows: TokenRows) -> Tensor:
        states: Tensor = self.backbone(rows)  # (b, t, d)
        if self.pooling == "cls":
            return states[:, 0]
        mask = torch.from_numpy(rows.mask).to(states.device)[..., None]
        return (states * mask).sum(dim=1) / mask.sum(dim=1)
