"""How to fine-tune, and what each system looks at."""

import math
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, Literal

from embedcache import UserError
from segclf.training.options import check_gamma

_POSITIVE = ("learning_rate", "upper_learning_rate", "batch_size", "accumulate", "epochs")
_SEEDS = 1 << 31  # a step's seed holds the run's in its upper half


@dataclass(frozen=True)
class FinetuneOptions:
    """What both systems have in common.

    Attributes:
        loss: a name in `segclf.training.losses.LOSSES`.
        gamma: of the focal loss.
        learning_rate: highest; it rises linearly over the warm-up and falls linearly to 0.
        warmup: share of all steps.
        weight_decay: of AdamW; on matrices alone.
        batch_size: candidates that go through the encoder together.
        accumulate: batches whose gradients are summed before a step.
        epochs: passes over train.
        freeze: keep the embeddings and so many of the first layers as they are; None trains all.
        checkpointing: compute activations again in the backward pass: less memory, more time.
        attention_dropout: share of the encoder's attention weights that is dropped; None leaves
            the encoder its own. On a CPU torch fuses attention only where nothing is dropped.
        seed: of new weights, dropout and order.
    """

    system: ClassVar[str]

    loss: str = "cross-entropy"
    gamma: float = 2.0
    learning_rate: float = 5e-5
    warmup: float = 0.1
    weight_decay: float = 1e-2
    batch_size: int = 32
    accumulate: int = 1
    epochs: int = 1
    freeze: int | None = None
    checkpointing: bool = False
    attention_dropout: float | None = None
    seed: int = 0

    @property
    def head(self) -> str:
        """The system's name where a run is listed."""
        return self.system

    @property
    def window(self) -> int | None:
        """Sentences on each side of a candidate; None where that is not what is counted."""
        raise NotImplementedError

    @property
    def run_name(self) -> str:
        """What a run's folder is called, its number apart."""
        return f"{self.head}-w{self.window}"

    def to_dict(self) -> dict[str, Any]:
        """Return what run.json keeps of the options."""
        return {"head": self.head, "window": self.window, **asdict(self)}

    def check(self) -> None:
        """Raise UserError for an unknown loss, or a number out of range."""
        from segclf.training.losses import make_loss  # imports torch

        make_loss(self.loss, 0.5, self.gamma)
        check_gamma(self.loss, self.gamma)
        for name, value in asdict(self).items():
            if name in _POSITIVE and not 0 < value < math.inf:
                raise UserError(f"{name.replace('_', ' ')} is {value}: take more than 0")
        for name in ("warmup", "dropout"):
            if not 0 <= getattr(self, name, 0.0) < 1:
                raise UserError(f"{name} is {getattr(self, name)}: take 0 or more, below 1")
        if not 0 <= self.weight_decay < math.inf:
            raise UserError(f"weight decay is {self.weight_decay}: take 0 or more")
        if not 0 <= self.seed < _SEEDS:
            raise UserError(f"seed is {self.seed}: take 0 to {_SEEDS - 1}")
        if self.freeze is not None and self.freeze < 0:
            raise UserError(f"--freeze {self.freeze}: take 0 (the embeddings alone) or more")
        if self.attention_dropout is not None and not 0 <= self.attention_dropout < 1:
            raise UserError(
                f"--attention-dropout {self.attention_dropout}: take 0 or more, below 1"
            )


@dataclass(frozen=True)
class CrossSegmentOptions(FinetuneOptions):
    """Of the cross-segment system.

    Attributes:
        sides: "sentences:N" or "tokens:N", see `Sides`.
        dropout: before the classifier; the encoder keeps its own.
    """

    system = "cross-segment"

    sides: str = "sentences:1"
    dropout: float = 0.1

    @property
    def window(self) -> int | None:
        """Sentences on each side; None where tokens are counted."""
        sides = Sides.parse(self.sides)
        return sides.count if sides.unit == "sentences" else None

    @property
    def run_name(self) -> str:
        """What a run's folder is called, its number apart."""
        return f"{self.head}-{self.sides.replace(':', '')}"


@dataclass(frozen=True)
class HierarchicalOptions(FinetuneOptions):
    """Of the hierarchical system.

    Attributes:
        upper: a name in `segclf.finetune.hierarchical.UPPER`.
        sentences: on each side of a candidate.
        pooling: what of a sentence goes up: the state at [CLS], or the mean of all its states.
        upper_learning_rate: of the upper network, which starts from random weights.
    """

    system = "hierarchical"

    upper: str = "concatenate"
    sentences: int = 1
    pooling: Literal["cls", "mean"] = "cls"
    upper_learning_rate: float = 1e-3

    @property
    def head(self) -> str:
        """The system's name where a run is listed."""
        return f"{self.system}-{self.upper}"

    @property
    def window(self) -> int | None:
        """Sentences on each side."""
        return self.sentences


def options_from(record: dict[str, Any]) -> FinetuneOptions:
    """Make the options again that a run's record keeps.

    Raises:
        UserError: an option cannot be.
    """
    kinds = {kind.system: kind for kind in (CrossSegmentOptions, HierarchicalOptions)}
    kind = kinds[record["kind"]]
    names = {field.name for field in fields(kind)}
    values = {name: value for name, value in record["options"].items() if name in names}
    if values.get("loss") != "focal":
        values.pop("gamma", None)  # early records hold one that had no effect
    options = kind(**values)
    try:
        options.check()
    except TypeError as error:
        raise UserError(
            f"an option in the record of the run is of the wrong type: {error}"
        ) from error
    return options


@dataclass(frozen=True)
class Sides:
    """How much text stands on each side of a candidate.

    Attributes:
        unit: "sentences"; or "tokens", as in Lukasik et al. 2020: the document's last N tokens
            before the candidate and its next N after it, wherever sentences end, padded where it
            has fewer, so that [SEP] always stands in the middle.
        count: how many.
    """

    unit: str
    count: int

    @classmethod
    def parse(cls, text: str) -> "Sides":
        """Read "sentences:1" or "tokens:128".

        Raises:
            UserError: it is neither.
        """
        unit, _, count = text.partition(":")
        if unit not in ("sentences", "tokens") or not count.isdecimal() or int(count) < 1:
            raise UserError(
                f"sides of {text!r}: take sentences:N or tokens:N, as in sentences:1 or tokens:128"
            )
        return cls(unit, int(count))
