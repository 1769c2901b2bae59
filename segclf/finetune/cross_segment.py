"""Cross-segment BERT (Lukasik et al. 2020): the encoder reads both sides of a candidate at once."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from embedcache import UserError
from embedcache.batches import token_batches
from embedcache.terminal import progress_bar
from segclf.finetune.backbone import Backbone, Text, TokenRows
from segclf.finetune.options import CrossSegmentOptions, Sides
from segclf.finetune.system import System

SPECIAL_TOKENS = 3  # [CLS] left [SEP] right [SEP]
_POOL = 50  # number of groups whose candidates are sorted together by length, to reduce padding


class CrossSegment(System):
    """A linear classifier of hidden states of `[CLS] left [SEP] right [SEP]`.

    The option `pooling` selects the hidden states.

    Args:
        backbone: Encoder to fine-tune.
        options: Options of the system.

    Raises:
        UserError: The sides are longer than the maximum input of the encoder.
    """

    def __init__(self, backbone: Backbone, options: CrossSegmentOptions) -> None:
        super().__init__(backbone)
        self.sides = Sides.parse(options.sides)
        self.pooling = options.pooling
        self.max_tokens = backbone.max_tokens - SPECIAL_TOKENS  # of the two sides together
        if self.sides.unit == "tokens" and 2 * self.sides.count > self.max_tokens:
            raise UserError(
                f"sides are {options.sides}: the encoder reads at most {backbone.max_tokens} "
                f"tokens, so use at most tokens:{self.max_tokens // 2}"
            )
        dim = backbone.dim if self.pooling == "cls" else 2 * backbone.dim
        self.classify = nn.Sequential(nn.Dropout(options.dropout), nn.Linear(dim, 1))

    def groups(self, text: Text, size: int, random: np.random.Generator) -> list[NDArray[np.int64]]:
        """Divide the candidates into groups with inputs of similar length, in random order."""
        order = random.permutation(np.flatnonzero(text.layout.is_candidate))
        begin, _, end = spans(text, order, self.sides, self.max_tokens)
        groups = []
        for first in range(0, len(order), _POOL * size):
            pool = slice(first, first + _POOL * size)
            by_length = order[pool][np.argsort((end - begin)[pool], kind="stable")]
            groups += [by_length[start : start + size] for start in range(0, len(by_length), size)]
        return [groups[number] for number in random.permutation(len(groups))]

    def forward(self, text: Text, candidates: NDArray[np.int64]) -> Tensor:
        """Return the logits (b,) of candidates (b,), given as sentence positions in the text."""
        rows = self.rows(text, candidates)
        states = self.backbone(rows)  # (b, t, d)
        if self.pooling == "cls":
            vectors = states[:, 0]
        else:
            right = torch.from_numpy(rows.types.argmax(axis=1))  # the first position of type 1
            row = torch.arange(len(right))
            vectors = torch.cat([states[row, right - 2], states[row, right]], dim=1)
        logits: Tensor = self.classify(vectors)  # (b, 1)
        return logits.squeeze(1)

    def predict(self, text: Text, *, progress: bool = False) -> NDArray[np.float32]:
        """Predict a probability for every sentence; see `System`.

        The batches contain inputs of similar length. Sentences that are not candidates get the
        probability 1.
        """
        self.eval()
        probabilities = np.ones(len(text), dtype=np.float32)
        candidates = np.flatnonzero(text.layout.is_candidate)
        begin, _, end = spans(text, candidates, self.sides, self.max_tokens)
        lengths = self._lengths(begin, end)
        with (
            torch.inference_mode(),
            progress_bar(len(candidates), "candidates", show=progress, leave=False) as bar,
        ):
            for batch in token_batches(lengths, self.backbone.batch_tokens):
                logits = self(text, candidates[batch])
                probabilities[candidates[batch]] = torch.sigmoid(logits).cpu().numpy()
                bar.update(len(batch))
        return probabilities

    def rows(self, text: Text, candidates: NDArray[np.int64]) -> TokenRows:
        """Make the token sequences of candidates (b,).

        If the sides are counted in tokens, N on each side, the first [SEP] is at position N + 1 in
        every row. A left side with fewer tokens is padded between [CLS] and its first token.
        """
        backbone = self.backbone
        begin, middle, end = spans(text, candidates, self.sides, self.max_tokens)
        by_tokens = self.sides.unit == "tokens"
        separator = np.full(len(begin), self.sides.count) if by_tokens else middle - begin
        separator = separator + 1
        length = int(self._lengths(begin, end).max(initial=0))
        rows = TokenRows.empty(len(begin), length, backbone.padding)
        rows.ids[:, 0] = backbone.cls_token
        rows.mask[:, 0] = 1
        for row, (start, candidate, stop, sep) in enumerate(
            zip(begin, middle, end, separator, strict=True)
        ):
            first, last = sep - (candidate - start), sep + (stop - candidate) + 1
            rows.ids[row, first:sep] = text.tokens[start:candidate]
            rows.ids[row, sep] = rows.ids[row, last] = backbone.sep_token
            rows.ids[row, sep + 1 : last] = text.tokens[candidate:stop]
            rows.mask[row, first : last + 1] = 1
            rows.types[row, sep + 1 : last + 1] = 1
        return rows

    def _lengths(self, begin: NDArray[np.int64], end: NDArray[np.int64]) -> NDArray[np.int64]:
        if self.sides.unit == "tokens":
            return np.full(len(begin), 2 * self.sides.count + SPECIAL_TOKENS)
        return end - begin + SPECIAL_TOKENS


def spans(
    text: Text, candidates: NDArray[np.int64], sides: Sides, max_tokens: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Find the tokens on both sides of candidates, within their documents.

    Args:
        text: Text of n sentences.
        candidates: (b,) positions of the sentences after the candidate boundaries.
        sides: Length of the sides.
        max_tokens: Maximum total number of tokens on the two sides. If there are more, the tokens
            that are farthest from the candidate are dropped.

    Returns:
        Three arrays (b,) int64 of positions in `text.tokens`: the start of the left side, its end
        (which is the start of the right side), and the end of the right side.
    """
    offsets = text.layout.offsets
    document = np.searchsorted(offsets, candidates, side="right") - 1
    first, last = offsets[document], offsets[document + 1]
    middle = text.starts[candidates]
    if sides.unit == "sentences":
        count = min(sides.count, len(text))  # `sides.count` may be too large for a NumPy integer
        left = middle - text.starts[np.maximum(candidates - count, first)]
        right = text.starts[np.minimum(candidates + count, last)] - middle
    else:
        left = np.minimum(middle - text.starts[first], sides.count)
        right = np.minimum(text.starts[last] - middle, sides.count)
    left = np.minimum(left, np.maximum(max_tokens // 2, max_tokens - right))
    right = np.minimum(right, max_tokens - left)
    return middle - left, middle, middle + right
