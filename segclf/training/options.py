"""Options for training a head: names, types, defaults and ranges, defined only here.

This module does not import torch, since the command line imports it to print the help.
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from embedcache import UserError
from segclf.corpus.documents import BoundaryType
from segclf.heads.names import (
    DEFAULT_HEAD,
    REACH,
    WINDOW,
    Context,
    HeadName,
    context_of,
    head_in_context,
)
from segclf.inputs.windows import MAX_WINDOW
from segclf.settings import settings

LossName = Literal["cross-entropy", "balanced", "focal"]
PositiveInt = Annotated[int, Field(gt=0, le=(1 << 63) - 1)]  # the largest int64
BatchSize = Annotated[int, Field(gt=0, le=1 << 20)]  # memory grows with it on small corpora too
Distance = Annotated[int, Field(ge=1, le=MAX_WINDOW)]
PositiveFloat = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NonNegativeFloat = Annotated[float, Field(ge=0, allow_inf_nan=False)]

GAMMA = 2.0
_MAX_SEED = (1 << 64) - 1  # the largest seed of torch


@settings
class TrainingOptions:
    """Options for training a head.

    `head`, `window` and `reach` take their defaults when the object is made. Options that omit such
    a default therefore equal options that state it.

    Attributes:
        head: Head. Window heads: mlp, bilstm, transformer, wordlstm. Document heads:
            document-bilstm, local-transformer, linear-transformer. [default: mlp]
        window: Number of sentences on each side of a candidate (window heads only).
            [default: 4]
        reach: Number of sentences on each side that a layer attends to (local-transformer only).
            [default: 32]
        crop: Maximum number of sentences in a crop of a document (document heads only).
            [default: the batch size]
        loss: Loss function.
        gamma: Exponent of the focal loss.
        learning_rate: Maximum learning rate of the one-cycle schedule.
        weight_decay: Weight decay of AdamW.
        batch_size: Number of candidates in a training step. [default: depends on the size of
            the corpus, at most 256]
        epochs: Maximum number of epochs.
        patience: Stop after this number of epochs without an improvement in dev F1.
        seed: Random seed for weights, dropout and shuffling.
        boundary_type: Type of boundary to learn, if the corpus distinguishes lines from
            paragraphs. any: both types.

    Raises:
        UserError: An option has the wrong type, is out of range, or has no effect.
    """

    deprecated_options: ClassVar[dict[str, Any]] = {"context": Context | None}
    """Types of the deprecated options by name; `from_settings` translates these options."""

    head: HeadName | None = None
    window: Distance | None = None
    reach: Distance | None = None
    crop: BatchSize | None = None
    loss: LossName = "cross-entropy"
    gamma: NonNegativeFloat = GAMMA
    learning_rate: PositiveFloat = 5e-4
    weight_decay: NonNegativeFloat = 1e-2
    batch_size: BatchSize | None = None
    epochs: PositiveInt = 6
    patience: PositiveInt = 3
    seed: Annotated[int, Field(ge=0, le=_MAX_SEED)] = 0
    boundary_type: BoundaryType = "any"

    @classmethod
    def from_settings(cls, values: Mapping[str, Any]) -> "TrainingOptions":
        """Make options from current or deprecated option names.

        Earlier versions had an option `context`, and called the reach of local-transformer its
        window.

        Args:
            values: Options by name.

        Raises:
            UserError: The context is unknown, it is not the context of the head, or the class would
                raise the error.
        """
        values = dict(values)
        context = values.pop("context", None)
        if context is not None:
            values["head"] = head_in_context(values.get("head"), context)
        if values.get("head") == "local-transformer" and values.get("reach") is None:
            values["reach"] = values.pop("window", None)
        return cls(**values)

    @staticmethod
    def overridden(values: Mapping[str, Any]) -> dict[str, str]:
        """Return the options that have no effect because of another option.

        Args:
            values: Options by name. A missing option has its default.

        Returns:
            The other option, by the name of the option without effect.
        """
        head = values.get("head") or DEFAULT_HEAD
        found = {"crop": "head"} if context_of(head) == "window" else {"window": "head"}
        if head != "local-transformer":
            found["reach"] = "head"
        return found | overridden_gamma(values)

    @property
    def context(self) -> Context:
        """What the head reads: "window" or "document"."""
        return context_of(str(self.head))

    @model_validator(mode="after")
    def _complete(self) -> "TrainingOptions":
        """Refuse options without effect and fill in the defaults that depend on the head."""
        head = self.head or DEFAULT_HEAD
        on_windows = context_of(head) == "window"
        if self.window is not None and not on_windows:
            raise UserError(
                f"the head {head} reads the whole document: leave out the option window"
            )
        if self.reach is not None and head != "local-transformer":
            raise UserError(
                f"the head {head} has no reach: leave out the option reach, or use "
                "local-transformer"
            )
        if self.crop is not None and on_windows:
            raise UserError(f"crop is for document heads, not {head}: leave out the option crop")
        check_gamma(self.loss, self.gamma)
        window = (self.window or WINDOW) if on_windows else None
        reach = (self.reach or REACH) if head == "local-transformer" else None
        for name, value in (("head", head), ("window", window), ("reach", reach)):
            object.__setattr__(self, name, value)  # the object is frozen, but not yet in use
        return self


def overridden_gamma(values: Mapping[str, Any]) -> dict[str, str]:
    """Return {"gamma": "loss"} unless the option `loss` is or includes the focal loss."""
    return {} if "focal" in (values.get("loss") or "") else {"gamma": "loss"}


def check_gamma(loss: str, gamma: float) -> None:
    """Raise UserError for a gamma, other than the default, that the loss would ignore."""
    if loss != "focal" and gamma != GAMMA:
        raise UserError(
            f"gamma {gamma:g} has no effect on the loss {loss}: use the focal loss, or leave out "
            "the option gamma"
        )
