"""How to train a head: what may be chosen, what the defaults are, and what is refused."""

import math
from dataclasses import dataclass, replace

from embedcache import UserError
from segclf.heads import DEFAULT_HEADS, Context, default_window, make_head
from segclf.losses import make_loss


@dataclass(frozen=True)
class TrainingOptions:
    """How to train.

    Attributes:
        head: a name in `segclf.heads.HEADS`, or in `DOCUMENT_HEADS` with the context "document";
            None for the best there: the MLP, or the BiLSTM.
        context: what the head reads: a window around each candidate, or the document at once.
        window: see `segclf.heads.make_head`.
        crop: most candidates that a head over documents is trained on at once, as if they were a
            document; None for as many as a step has.
        loss: a name in `segclf.losses.LOSSES`.
        gamma: of the focal loss.
        learning_rate: highest of a one-cycle schedule (Smith 2018) over all epochs.
        weight_decay: of AdamW.
        batch_size: candidates a step; None for 256, less where that would be few steps an epoch.
        epochs: most passes over train.
        patience: epochs without a better F1 on dev before training stops.
        seed: of weights, dropout and order.
    """

    head: str | None = None
    context: Context = "window"
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
    """Return options with the head and window that are meant where none is named.

    The gamma of a loss without one is set to the default, so that it makes no other run.
    """
    head = options.head or DEFAULT_HEADS.get(options.context, "mlp")
    window = options.window
    return replace(
        options,
        head=head,
        window=default_window(head, options.context) if window is None else window,
        gamma=options.gamma if options.loss == "focal" else TrainingOptions.gamma,
    )


def check_options(options: TrainingOptions) -> None:
    """Raise UserError for an unknown head or loss, or a number out of range or without effect."""
    make_head(options.head, 1, options.window, options.context)
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
    if options.crop is not None and options.context == "window":
        raise UserError("a crop is of documents: take the context document, or leave it out")


def check_gamma(loss: str, gamma: float) -> None:
    """Raise UserError for a gamma that the loss would ignore."""
    if loss != "focal" and gamma != TrainingOptions.gamma:
        raise UserError(
            f"gamma {gamma:g} has no effect on the loss {loss}: take the loss focal, or leave "
            "gamma out"
        )
