"""Cross-segment BERT: both sides of a candidate through the encoder together.

Lukasik et al. 2020, "Text Segmentation by Cross Segment Attention".
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from tqdm import tqdm

from embedcache import UserError
from embedcache.batches import token_batches
from segclf.finetune.backbone import Backbone, Text, TokenRows
from segclf.finetune.options import CrossSegmentOptions, Sides
from segclf.finetune.system import System

SPECIAL_TOKENS = 3  # [CLS] left [SEP] right [SEP]
_POOL = 50  # groups that are sorted by length together: little padding, still well mixed


class CrossSegment(System):
    """`[CLS] left [SEP] right [SEP]`, classified by the state at [CLS].

    Args:
        backbone: the encoder.
        options: how much text is on a side.

    Raises:
        UserError: the sides are longer than the encoder reads.
    """

    def __init__(self, backbone: Backbone, options: CrossSegmentOptions) -> None:
        super().__init__(backbone)
        self.sides = Sides.parse(options.sides)
        self.room = backbone.max_tokens - SPECIAL_TOKENS
        if self.sides.unit == "tokens" and 2 * self.sides.count > self.room:
            raise UserError(
                f"sides of {options.sides}: the encoder reads {backbone.max_tokens} tokens, so "
                f"take at most tokens:{self.room // 2}"
            )
        self.classify = nn.Sequential(nn.Dropout(options.dropout), nn.Linear(backbone.dim, 1))

    def groups(self, text: Text, size: int, random: np.random.Generator) -> list[NDArray[np.int64]]:
        """Deal the candidates of an epoch into groups of like length, in random order."""
        order = random.permutation(np.flatnonzero(text.layout.is_candidate))
        begin, _, end = spans(text, order, self.sides, self.room)
        groups = []
        for first in range(0, len(order), _POOL * size):
            pool = slice(first, first + _POOL * size)
            ranked = order[pool][np.argsort((end - begin)[pool], kind="stable")]
            groups += [ranked[start : start + size] for start in range(0, len(ranked), size)]
        return [groups[number] for number in random.permutation(len(groups))]

    def forward(self, text: Text, candidates: NDArray[np.int64]) -> Tensor:
        """Return the logits (b,) of candidates (b,), sentences of the text."""
        states = self.backbone(self.rows(text, candidates))  # (b, t, d)
        logits: Tensor = self.classify(states[:, 0])  # (b, 1)
        return logits.squeeze(1)

    def predict(self, text: Text, *, progress: bool = False) -> NDArray[np.float32]:
        """Return the probability (n,) that a paragraph begins with each sentence."""
        self.eval()
        probabilities = np.ones(len(text), dtype=np.float32)  # a document's first begins one
        candidates = np.flatnonzero(text.layout.is_candidate)
        begin, _, end = spans(text, candidates, self.sides, self.room)
        lengths = self._lengths(begin, end)
        with (
            torch.inference_mode(),
            tqdm(total=len(candidates), unit=" candidates", leave=False, delay=1,
                 disable=None if progress else True) as bar,
        ):  # fmt: skip
            for batch in token_batches(lengths, self.backbone.batch_tokens):
                logits = self(text, candidates[batch])
                probabilities[candidates[batch]] = torch.sigmoid(logits).cpu().numpy()
                bar.update(len(batch))
        return probabilities

    def rows(self, text: Text, candidates: NDArray[np.int64]) -> TokenRows:
        """Lay out the tokens around candidates (b,).

        Of sides of N tokens [SEP] stands at position N + 1 in every row, with padding between
        [CLS] and the left side where the document begins less than N tokens before.
        """
        backbone = self.backbone
        begin, middle, end = spans(text, candidates, self.sides, self.room)
        by_tokens = self.sides.unit == "tokens"
        separator = np.full(len(begin), self.sides.count) if by_tokens else middle - begin
        separator = separator + 1
        length = int(self._lengths(begin, end).max(initial=0))
        rows = TokenRows.empty(len(begin), length, backbone.padding)
        rows.ids[:, 0] = backbone.cls_token
        rows.mask[:, 0] = 1
        for row, (start, candidate, stop, place) in enumerate(
            zip(begin, middle, end, separator, strict=True)
        ):
            first, last = place - (candidate - start), place + (stop - candidate) + 1
            rows.ids[row, first:place] = text.tokens[start:candidate]
            rows.ids[row, place] = rows.ids[row, last] = backbone.sep_token
            rows.ids[row, place + 1 : last] = text.tokens[candidate:stop]
            rows.mask[row, first : last + 1] = 1
            rows.types[row, place + 1 : last + 1] = 1
        return rows

    def _lengths(self, begin: NDArray[np.int64], end: NDArray[np.int64]) -> NDArray[np.int64]:
        if self.sides.unit == "tokens":
            return np.full(len(begin), 2 * self.sides.count + SPECIAL_TOKENS)
        return end - begin + SPECIAL_TOKENS


def spans(
    text: Text, candidates: NDArray[np.int64], sides: Sides, room: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Find the tokens beside candidates.

    Args:
        text: of n sentences.
        candidates: (b,) sentences, each with the boundary before it.
        sides: how much on each side.
        room: most tokens of both sides together; what is nearest to the candidate is kept.

    Returns:
        (b,) int64 each: where in text.tokens the left side begins, where it ends and the right one
        begins, and where that ends. A side stays within its document.
    """
    offsets = text.layout.offsets
    document = np.searchsorted(offsets, candidates, side="right") - 1
    first, last = offsets[document], offsets[document + 1]
    middle = text.starts[candidates]
    if sides.unit == "sentences":
        left = middle - text.starts[np.maximum(candidates - sides.count, first)]
        right = text.starts[np.minimum(candidates + sides.count, last)] - middle
    else:
        left = np.minimum(middle - text.starts[first], sides.count)
        right = np.minimum(text.starts[last] - middle, sides.count)
    left = np.minimum(left, np.maximum(room // 2, room - right))
    right = np.minimum(right, room - left)
    return middle - left, middle, middle + right
