"""Hierarchical BERT: the encoder reads single sentences, and a head reads their vectors."""

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
from segclf.inputs.examples import Examples
from segclf.inputs.sentence_tensors import Sentences
from segclf.inputs.windows import OUTSIDE, windows_of

SPECIAL_TOKENS = 2  # [CLS] sentence [SEP]
# approximate number of runs of consecutive candidates in a group: more runs mix the candidates
# better, and candidates in fewer runs share more sentences
_RUNS = 4
_STANDARDIZATION_SAMPLE = 256  # number of sentences used to standardize vectors


class Concatenate(Head):
    """A classifier with one hidden layer on the concatenated sentence vectors in the window."""

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


def _make_upper(name: UpperName, dim: int, window: int) -> Head:
    return Concatenate(dim, window) if name == "concatenate" else WINDOW_HEADS[name](dim, window)


class Hierarchical(System):
    """A head on sentence vectors, trained together with their encoder.

    Args:
        backbone: Encoder to fine-tune.
        options: Options of the system.
    """

    def __init__(self, backbone: Backbone, options: HierarchicalOptions) -> None:
        super().__init__(backbone)
        self.pooling = options.pooling
        self.head = _make_upper(options.upper, backbone.dim, options.sentences)
        self.head.clip_sigma = None  # a clipped vector would have no gradient

    def prepare(self, text: Text) -> None:
        """Standardize the head's inputs, using vectors of the encoder before training."""
        self.eval()
        chosen = np.unique(np.linspace(0, len(text) - 1, _STANDARDIZATION_SAMPLE).astype(np.int64))
        with torch.no_grad():
            self.head.standardize_by(self.encode(text, chosen))

    def groups(self, text: Text, size: int, random: np.random.Generator) -> list[NDArray[np.int64]]:
        """Divide the candidates into groups of a few runs of consecutive candidates.

        The order of the runs and the positions of their edges are random.
        """
        run = max(size // _RUNS, 1)
        runs = size // run
        starts = random.permutation(np.arange(random.integers(-run + 1, 1), len(text), run))
        groups = []
        for first in range(0, len(starts), runs):
            numbers = (starts[first : first + runs, None] + np.arange(run)).flatten()
            numbers = numbers[(numbers >= 0) & (numbers < len(text))]
            groups.append(numbers[text.layout.is_candidate[numbers]])
        return [group for group in groups if len(group)]

    def forward(self, text: Text, candidates: NDArray[np.int64]) -> Tensor:
        """Return the logits (b,) of candidates (b,), given as sentence positions in the text.

        Each sentence in the windows is encoded once.
        """
        positions = windows_of(text.layout, self.head.window)[candidates]  # (b, 2w) in the text
        inside = positions != OUTSIDE
        sentences, numbers = np.unique(positions[inside], return_inverse=True)
        windows = np.full(positions.shape, OUTSIDE)
        windows[inside] = numbers
        vectors = self.encode(text, sentences)
        logits: Tensor = self.head(vectors, torch.from_numpy(windows).to(vectors.device))
        return logits

    def predict(self, text: Text, *, progress: bool = False) -> NDArray[np.float32]:
        """Predict all sentences, encoding each of them once."""
        self.eval()
        with torch.inference_mode():
            vectors = self.encode(text, np.arange(len(text)), progress=progress)
        return self.head.predict(Examples(vectors.cpu().numpy(), text.layout))

    def encode(self, text: Text, sentences: NDArray[np.int64], *, progress: bool = False) -> Tensor:
        """Return the vectors (s, d) of sentences (s,), encoded in batches of similar length."""
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
