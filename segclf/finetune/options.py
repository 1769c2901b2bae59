"""Fine-tuning options: names, types, defaults and ranges, defined only here.

This module does not import torch, since the command line imports it to print the help.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from embedcache import UserError
from segclf.settings import settings
from segclf.training.options import (
    GAMMA,
    Distance,
    LossName,
    NonNegativeFloat,
    PositiveFloat,
    PositiveInt,
    check_gamma,
    overridden_gamma,
)

Share = Annotated[float, Field(ge=0, lt=1)]
UpperName = Literal["concatenate", "mlp", "bilstm", "transformer"]

DEFAULT_BACKBONE = "e5-small"  # encoder that is fine-tuned by default
_MAX_SEED = (1 << 31) - 1  # the upper 32 bits of the seed of a step contain the seed of the run


@settings
class FinetuneOptions:
    """Options that all fine-tuned systems share.

    Attributes:
        loss: Loss function.
        gamma: Exponent of the focal loss.
        learning_rate: Maximum learning rate. It rises linearly during the warm-up and then falls
            linearly to 0.
        warmup: Share of the training steps used for warm-up.
        weight_decay: Weight decay of AdamW, applied to matrices other than embeddings.
        batch_size: Maximum number of candidates in a batch.
        accumulate: Number of batches whose gradients are accumulated in a training step.
        epochs: Number of epochs. The best epoch on dev is kept.
        freeze: Number of layers to freeze, counted from the input; the embeddings are frozen too.
            [default: train everything]
        checkpointing: Recompute activations in the backward pass, which uses less memory but takes
            about a third more time.
        attention_dropout: Dropout rate of the encoder's attention weights. On a CPU, 0 nearly
            halves the time for long inputs. [default: the rate of the encoder]
        seed: Random seed for new weights, dropout and shuffling.

    Raises:
        UserError: An option has the wrong type, is out of range, or has no effect.
    """

    system: ClassVar[str]

    loss: LossName = "cross-entropy"
    gamma: NonNegativeFloat = GAMMA
    learning_rate: PositiveFloat = 5e-5
    warmup: Share = 0.1
    weight_decay: NonNegativeFloat = 1e-2
    batch_size: PositiveInt = 32
    accumulate: PositiveInt = 1
    epochs: PositiveInt = 1
    freeze: Annotated[int, Field(ge=0)] | None = None
    checkpointing: bool = False
    attention_dropout: Share | None = None
    seed: Annotated[int, Field(ge=0, le=_MAX_SEED)] = 0

    overridden = staticmethod(overridden_gamma)

    @model_validator(mode="after")
    def _check_gamma(self) -> "FinetuneOptions":
        check_gamma(self.loss, self.gamma)
        return self

    @property
    def head(self) -> str:
        """Name of the system in a list of runs."""
        return self.system

    @property
    def window(self) -> int | None:
        """Number of sentences on each side of a candidate; None if sides are counted in tokens."""
        raise NotImplementedError

    @property
    def run_name(self) -> str:
        """Name of a run's folder, without its number."""
        return f"{self.head}-w{self.window}"

    def to_dict(self) -> dict[str, Any]:
        """Return the options in the form in which a run record stores them."""
        return {"head": self.head, "window": self.window, **asdict(self)}


@settings
class CrossSegmentOptions(FinetuneOptions):
    """Options of the cross-segment system.

    Attributes:
        sides: Text on each side of a candidate: sentences:N or tokens:N.
        pooling: Hidden states that are classified. cls: that of [CLS], as in Lukasik et al. 2020;
            border: those of the last token on the left side and the first token on the right side.
            [default: border if the sides are counted in tokens, otherwise cls]
        dropout: Dropout rate before the classifier. The encoder keeps its own dropout rates.
    """

    system = "cross-segment"

    sides: str = "sentences:1"
    pooling: Literal["cls", "border"] | None = None
    dropout: Share = 0.1

    @field_validator("sides")
    @classmethod
    def _check_sides(cls, sides: str) -> str:
        Sides.parse(sides)
        return sides

    @model_validator(mode="after")
    def _complete(self) -> "CrossSegmentOptions":
        if self.pooling is None:
            pooling = "border" if Sides.parse(self.sides).unit == "tokens" else "cls"
            object.__setattr__(self, "pooling", pooling)  # frozen, but not yet in use
        return self

    @property
    def window(self) -> int | None:
        """Number of sentences on each side; None if tokens are counted."""
        sides = Sides.parse(self.sides)
        return sides.count if sides.unit == "sentences" else None

    @property
    def run_name(self) -> str:
        """Name of a run's folder, without its number."""
        return f"{self.head}-{self.sides.replace(':', '')}"


@settings
class HierarchicalOptions(FinetuneOptions):
    """Options of the hierarchical system.

    Attributes:
        upper: Head that reads the sentence vectors.
        sentences: Number of sentences on each side of a candidate.
        pooling: Vector of a sentence. cls: the hidden state of [CLS]; mean: the mean of all hidden
            states.
        upper_learning_rate: Maximum learning rate of the head, which starts from random weights.
    """

    system = "hierarchical"

    upper: UpperName = "concatenate"
    sentences: Distance = 1
    pooling: Literal["cls", "mean"] = "cls"
    upper_learning_rate: PositiveFloat = 1e-3

    @property
    def head(self) -> str:
        """Name of the system in a list of runs."""
        return f"{self.system}-{self.upper}"

    @property
    def window(self) -> int | None:
        """Number of sentences on each side."""
        return self.sentences


def options_from(system: str, values: Mapping[str, Any]) -> FinetuneOptions:
    """Make options from the values in a run record.

    Args:
        system: "cross-segment" or "hierarchical".
        values: Options by name. Entries that are not options of the system are ignored.

    Raises:
        UserError: An option has the wrong type, is out of range, or has no effect.
    """
    kinds = {kind.system: kind for kind in (CrossSegmentOptions, HierarchicalOptions)}
    kind = kinds[system]
    names = {field.name for field in fields(kind)}
    kept = {name: value for name, value in values.items() if name in names}
    if kept.get("loss") != "focal":
        kept.pop("gamma", None)  # early versions recorded a gamma that has no effect
    return kind(**kept)


@dataclass(frozen=True)
class Sides:
    """Amount of text on each side of a candidate.

    Attributes:
        unit: "sentences", or "tokens" as in Lukasik et al. 2020: the N tokens of the document
            before the candidate and the N tokens after it, regardless of sentence boundaries.
            Shorter sides are padded, so that [SEP] is always in the middle.
        count: Number of sentences or tokens.
    """

    unit: str
    count: int

    @classmethod
    def parse(cls, text: str) -> "Sides":
        """Parse a text such as "sentences:1" or "tokens:128".

        Raises:
            UserError: The text is not of the form sentences:N or tokens:N, or N is below 1.
        """
        unit, _, count = text.partition(":")
        if unit not in ("sentences", "tokens") or not count.isdecimal() or int(count) < 1:
            raise UserError(
                f"must be sentences:N or tokens:N, such as sentences:1 or tokens:128, not {text!r}"
            )
        return cls(unit, int(count))
