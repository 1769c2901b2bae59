"""How to train a head: what may be chosen, what the defaults are, and what is refused."""

import math
from dataclasses import dataclass, replace
from typing import Literal

from embedcache import UserError


@dataclass(frozen=True)
class TrainingOptions:
    """How to train.

    Attributes:
        head: A name in `segclf.heads.HEADS` or `DOCUMENT_HEADS`; None for the default head.
        context: "window" or "document", what the head reads; None for the context of the head.
        window: see `segclf.heads.make_head`.
        crop: most candidates that a head over documents is trained on at once, as if they were a
            document; None for as many as a step has.
        loss: a name in `segclf.training.losses.LOSSES`.
        gamma: of the focal loss.
        learning_rate: highest of a one-cycle schedule (Smith 2018) over all epochs.
        weight_decay: of AdamW.
        batch_size: candidates a step; None for 256, less where that would be few steps an epoch.
        epochs: most passes over train.
        patience: epochs without a better F1 on dev before training stops.
        seed: of weights, dropout and order.
    """

    head: str | None = None
    context: Literal["window", "document"] | None = None
    window: int | None = None
    crop: int | None = None
    loss: str = "cross-entropy"
    gamma: float = 2.0
    learning_rate: float = 5e-4
    weight_decay: float = 1e-2
    batch_size: int | None = None
    epochs: int = 6
    patience: int = 3
    seed: int = 0


def resolve(options: TrainingOptions) -> TrainingOptions:
    """Return options with default head, its context and its default window filled in.

    The gamma of a loss other than focal is set to the default, so that the options of equal runs
    are equal.

    Raises:
        UserError: There is no such head.
    """
    from segclf.heads import default_window, resolve_head  # imports torch

    head, context = resolve_head(options.head, options.context)
    return replace(
        options,
        head=head,
        context=context,
        window=default_window(head) if options.window is None else options.window,
        gamma=options.gamma if options.loss == "focal" else TrainingOptions.gamma,
    )


def check_options(options: TrainingOptions) -> None:
    """Raise UserError for an unknown head or loss, or a number out of range or without effect."""
    from segclf.heads import make_head, resolve_head  # imports torch
    from segclf.training.losses import make_loss

    head, context = resolve_head(options.head, options.context)
    make_head(head, 1, options.window)
    make_loss(options.loss, 0.5, options.gamma)
    check_gamma(options.loss, options.gamma)
    for name in ("learning_rate", "epochs", "patience", "batch_size", "crop"):
        value = getattr(options, name)
        if value is not None and not 0 < value < math.inf:
            raise UserError(f"{name.replace('_', ' ')} is {value}: take more than 0")
    for name in ("seed", "weight_decay"):
        value = getattr(options, name)
        if not 0 <= value < math.inf:
            raise UserError(f"{name.replace('_', ' ')} is {value}: take 0 or more")
    if options.crop is not None and context == "window":
        raise UserError(f"crop is for heads on documents, not {head}: leave it out")


def check_gamma(loss: str, gamma: float) -> None:
    """Raise UserError for a gamma that the loss would ignore."""
    if loss != "focal" and gamma != TrainingOptions.gamma:
        raise UserError(
            f"gamma {gamma:g} has no effect on the loss {loss}: take the loss focal, or leave "
            "gamma out"
        )
