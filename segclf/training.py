"""Train a head on cached vectors; everything that is chosen is chosen on dev."""

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from embedcache import UserError
from embedcache.encoders.devices import check_device
from embedcache.encoders.threads import limit_threads
from segclf.batches import Examples, WindowBatches
from segclf.calibration import fit_temperature
from segclf.crops import CropBatches
from segclf.decoding import best_threshold, decode
from segclf.heads import BaseHead, make_head
from segclf.layout import Layout
from segclf.losses import Loss, check_finite, make_loss
from segclf.metrics import is_collapsed, precision_recall_f1, score_at_half
from segclf.options import TrainingOptions, check_options, resolve


@dataclass(frozen=True)
class Epoch:
    """What an epoch gave; epoch 0 is before training.

    Attributes:
        epoch: its number.
        loss: mean over the epoch's candidates; of epoch 0, over dev's.
        precision: on dev, at the threshold.
        recall: on dev.
        f1: on dev.
        threshold: the best on dev.
        seconds: of training alone.
        temperature: of dev's probabilities, see `segclf.calibration.fit_temperature`; the threshold
            is for probabilities before it.
    """

    epoch: int
    loss: float
    precision: float
    recall: float
    f1: float
    threshold: float
    seconds: float
    temperature: float = 1.0


@dataclass(frozen=True)
class TrainedHead:
    """A trained head and how it became so.

    Attributes:
        head: with the weights of the best epoch, on the CPU.
        history: every epoch.
        best: the epoch with the highest F1 on dev.
        collapsed: whether it says the same of every dev candidate.
        at_half: scores on dev at probability 0.5, see `segclf.metrics.score_at_half`.
    """

    head: BaseHead
    history: list[Epoch]
    best: Epoch
    collapsed: bool
    at_half: dict[str, float | bool]


def train_head(
    train: Examples,
    dev: Examples,
    options: TrainingOptions,
    on_epoch: Callable[[Epoch], None] = lambda _: None,
    *,
    device: str = "cpu",
    threads: int = 1,
) -> TrainedHead:
    """Train a head with AdamW and early stopping.

    Heads are small: more threads gain little on an idle machine and cost much on a busy one.

    Args:
        train: learned from.
        dev: for early stopping and the threshold.
        options: how.
        on_epoch: called with each epoch, number 0 before training.
        device: "cpu", "cuda", "cuda:1", ... or "mps".
        threads: that a CPU computes with.

    Raises:
        UserError: no such head, loss or device, a number out of range, or a split without
            boundaries.
    """
    with limit_threads(threads):
        return _train_head(train, dev, options, on_epoch, check_device(device))


def _train_head(
    train: Examples,
    dev: Examples,
    options: TrainingOptions,
    on_epoch: Callable[[Epoch], None],
    device: str,
) -> TrainedHead:
    check_options(options)
    options = resolve(options)
    check_split("train", train.layout)
    check_split("dev", dev.layout)
    torch.manual_seed(options.seed)
    random = np.random.default_rng(options.seed)
    head = make_head(str(options.head), train.dim, options.window).to(device)
    _check_input(head, str(options.head), train)
    targets = train.layout.labels[train.layout.is_candidate]
    loss = make_loss(options.loss, float(targets.mean()), options.gamma)
    size = options.batch_size or max(min(256, len(targets) // 64), 16)
    batches = head.make_batches(train, size, device, crop=options.crop)
    head.standardize_by(batches.vectors)
    optimizer = torch.optim.AdamW(
        head.parameters(), options.learning_rate, weight_decay=options.weight_decay, fused=True
    )
    steps = max(options.epochs * len(batches), 11)  # a tenth of them, the rise, must be over one
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, options.learning_rate, steps, pct_start=0.1
    )
    history = [assess_untrained(dev.layout, head.predict(dev), loss)]
    best, best_state = history[0], copy.deepcopy(head.state_dict())
    on_epoch(best)
    for number in range(1, options.epochs + 1):
        started = time.perf_counter()
        mean_loss = _train_epoch(head, batches, random, loss, optimizer, schedule)
        seconds = time.perf_counter() - started
        check_finite(mean_loss, number)
        history.append(assess(number, mean_loss, seconds, dev.layout, head.predict(dev)))
        on_epoch(history[-1])
        if is_better(history[-1], best):
            best, best_state = history[-1], copy.deepcopy(head.state_dict())
        elif number - best.epoch >= options.patience:
            break
    head.load_state_dict(best_state)
    probabilities = head.predict(dev)
    return TrainedHead(
        head.cpu(),
        history,
        best,
        collapsed=has_collapsed(dev.layout, probabilities, best.threshold),
        at_half=score_at_half(dev.layout, probabilities),
    )


def _check_input(head: BaseHead, name: str, train: Examples) -> None:
    if head.reads_words and train.table is None:
        raise UserError(
            f"the head {name} reads words: run segtool embed with --encoder ginza (or "
            "wordvec:FILE) --pooling tokens first"
        )
    if train.table is not None and len(train.table) == 1:
        raise UserError("no word of the train split has a vector: take vectors of its language")
    if not head.reads_words and train.table is not None:
        raise UserError(
            f"the head {name} reads one vector a sentence, and --pooling tokens keeps its words: "
            "take --head wordlstm, or run segtool embed with another pooling"
        )


def _train_epoch(
    head: BaseHead,
    batches: WindowBatches | CropBatches,
    random: np.random.Generator,
    loss: Loss,
    optimizer: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
) -> float:
    head.train()
    total = torch.zeros((), device=batches.vectors.device)
    count = 0
    for batch in batches.epoch(random):
        value = loss(head(batch.sentences, batch.index), batch.targets)
        optimizer.zero_grad()
        value.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(head.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        total += value.detach() * len(batch.targets)
        count += len(batch.targets)
    return float(total) / count


def check_split(split: str, layout: Layout) -> None:
    """Raise UserError for a split in which there is nothing to tell apart."""
    labels = layout.labels[layout.is_candidate]
    if not len(layout):
        raise UserError(
            f"the corpus has no {split} split: put texts into a folder {split}, or embed it with "
            "--split 80/10/10"
        )
    if not len(labels):
        raise UserError(f"no document of the {split} split has two sentences: embed more text")
    if not labels.any() or labels.all():
        what = "no boundary" if not labels.any() else "a boundary before every sentence"
        raise UserError(
            f"the {split} split has {what} ({len(labels)} candidates): embed more text, or "
            "name its layout with segtool embed --boundary"
        )


def assess_untrained(dev: Layout, probabilities: NDArray[np.float32], loss: Loss) -> Epoch:
    """Make epoch 0 of what an untrained model says (n,) of dev."""
    # clipped, so that the loss is finite
    logits = torch.logit(torch.from_numpy(probabilities[dev.is_candidate]), eps=1e-7)
    targets = torch.from_numpy(dev.labels[dev.is_candidate].astype(np.float32))
    value = loss(logits, targets)
    return assess(0, float(value), 0.0, dev, probabilities)


def assess(
    number: int, loss: float, seconds: float, dev: Layout, probabilities: NDArray[np.float32]
) -> Epoch:
    """Make an epoch of what the model says (n,) of dev after it, at the best threshold."""
    candidates = probabilities[dev.is_candidate], dev.labels[dev.is_candidate]
    threshold, _ = best_threshold(*candidates)
    scores = precision_recall_f1(dev, decode(dev, probabilities, threshold))
    temperature = fit_temperature(*candidates)
    return Epoch(number, loss, *scores, threshold, seconds, temperature)


def is_better(epoch: Epoch, best: Epoch) -> bool:
    """Say whether an epoch takes the place of the best before it; any does that of epoch 0."""
    return epoch.f1 > best.f1 or best.epoch == 0


def has_collapsed(dev: Layout, probabilities: NDArray[np.float32], threshold: float) -> bool:
    """Say whether a model decides the same before every sentence."""
    return is_collapsed(dev, decode(dev, probabilities, threshold))
