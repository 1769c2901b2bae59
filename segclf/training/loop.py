"""Training of a head on cached vectors. The epoch and the threshold are chosen on dev."""

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from embedcache import UserError
from embedcache.encoders.devices import check_device
from embedcache.encoders.threads import limit_threads
from embedcache.terminal import progress_bar
from segclf.heads.base import BaseHead
from segclf.heads.registry import make_head
from segclf.inputs.crop_batches import CropBatches
from segclf.inputs.examples import Examples
from segclf.inputs.window_batches import WindowBatches
from segclf.scoring.metrics import score_at_half
from segclf.training.adaptation import CalibratedHead
from segclf.training.data_parallel import SINGLE_PROCESS, Workers
from segclf.training.epochs import (
    Epoch,
    assess,
    assess_untrained,
    check_split,
    fit_decision,
    has_collapsed,
    is_better,
)
from segclf.training.losses import Loss, make_loss
from segclf.training.optimizer import AdamW
from segclf.training.options import TrainingOptions


@dataclass(frozen=True)
class TrainedHead:
    """A trained head with its history.

    Attributes:
        head: Head with the weights of the best epoch, on the CPU.
        history: All epochs, beginning with epoch 0, which has the scores before training.
        best: Epoch with the highest F1 on dev. It is epoch 0 only if training started from a
            trained head and did not improve its F1.
        collapsed: Whether the head predicts the same class for every dev candidate.
        at_half: Scores on dev at threshold 0.5; see `segclf.scoring.metrics.score_at_half`.
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
    start: CalibratedHead | None = None,
    device: str = "cpu",
    threads: int = 1,
    workers: Workers = SINGLE_PROCESS,
    progress: bool = False,
) -> TrainedHead:
    """Train a head with AdamW, a one-cycle learning rate and early stopping.

    The sources are Loshchilov and Hutter (2019), "Decoupled Weight Decay Regularization", for
    AdamW, and Smith and Topin (2019), "Super-Convergence", for the learning rate.

    Heads are small: more than one thread saves little time on an idle machine and costs much time
    on a busy machine.

    Args:
        train: Examples to train on.
        dev: Examples on which the best epoch, the temperature and the threshold are chosen.
        options: Training options.
        on_epoch: Function that is called with each finished epoch, beginning with epoch 0, which
            has the scores before training.
        start: Trained head from which training starts; its architecture must be that of the
            options. None for random weights.
        device: Name of the device: "cpu", "cuda", "cuda:1", ... or "mps".
        threads: Number of CPU threads.
        workers: Processes that train the head together. Each calls this function with the same
            arguments, and gets the same result.
        progress: Whether to show a progress bar of each epoch on standard error.

    Raises:
        UserError: The device does not exist, `threads` is out of range, the head cannot read the
            vectors, no word of the train split has a vector, a split has no candidates, a split has
            candidates of only one class (dev may, if `start` is given), or the loss is not finite.
    """
    with limit_threads(threads):
        return _train_head(
            train, dev, options, on_epoch, start, check_device(device), workers, progress
        )


def _train_head(
    train: Examples,
    dev: Examples,
    options: TrainingOptions,
    on_epoch: Callable[[Epoch], None],
    start: CalibratedHead | None,
    device: str,
    workers: Workers,
    progress: bool,
) -> TrainedHead:
    check_split("train", train.layout)
    check_split("dev", dev.layout, classes=1 if start else 2)
    decide = start.decide if start else fit_decision
    training = _begin(train, options, start, device, workers)
    head = training.head
    history = [assess_untrained(dev.layout, workers.predict(head, dev), training.loss, decide)]
    best, best_state = history[0], copy.deepcopy(head.state_dict())
    on_epoch(best)
    for number in range(1, options.epochs + 1):
        started = time.perf_counter()
        with progress_bar(
            len(training.batches),
            "batches",
            show=progress,
            description=f"epoch {number} of {options.epochs}",
            leave=False,
        ) as bar:
            mean_loss = training.run_epoch(bar.update)
        seconds = time.perf_counter() - started
        probabilities = workers.predict(head, dev)
        history.append(assess(number, mean_loss, seconds, dev.layout, probabilities, decide))
        on_epoch(history[-1])
        if is_better(history[-1], best, from_trained_head=start is not None):
            best, best_state = history[-1], copy.deepcopy(head.state_dict())
        elif number - best.epoch >= options.patience:
            break
    head.load_state_dict(best_state)
    probabilities = workers.predict(head, dev)
    return TrainedHead(
        head.cpu(),
        history,
        best,
        collapsed=has_collapsed(dev.layout, probabilities, best.threshold),
        at_half=score_at_half(dev.layout, probabilities),
    )


@dataclass(frozen=True)
class _Training:
    """A head in training, and the objects that its training steps use."""

    head: BaseHead
    batches: WindowBatches | CropBatches
    random: np.random.Generator
    loss: Loss
    optimizer: torch.optim.Optimizer
    schedule: torch.optim.lr_scheduler.LRScheduler
    workers: Workers

    def run_epoch(self, on_batch: Callable[[], object]) -> float:
        """Train on all batches once, and return the mean loss over the candidates.

        Args:
            on_batch: Function that is called after each batch.
        """
        self.head.train()
        total = torch.zeros((), device=self.head.mean.device)
        count = 0
        for batch in self.batches.epoch(self.random, self.workers.share):
            self.optimizer.zero_grad()
            value, size = self.workers.backward(self.head, self.loss, batch)
            if not size:
                continue
            nn.utils.clip_grad_norm_(self.head.parameters(), 1.0)
            self.optimizer.step()
            self.schedule.step()
            total += value * size
            count += size
            on_batch()
        return float(total) / count


def _begin(
    train: Examples,
    options: TrainingOptions,
    start: CalibratedHead | None,
    device: str,
    workers: Workers,
) -> _Training:
    """Make the head, its batches, the loss, the optimizer and its schedule."""
    torch.manual_seed(options.seed)
    head = _first_head(train.dim, options, start).to(device)
    _check_input(head, str(options.head), train)
    targets = train.layout.labels[train.layout.is_candidate]
    size = options.batch_size or max(min(256, len(targets) // 64), 16)
    batches = head.make_batches(train, size, device, crop=options.crop)
    if start is None:
        head.standardize_by(batches.vectors)
    workers.begin(head, options.seed)
    optimizer = AdamW(
        head.parameters(), options.learning_rate, weight_decay=options.weight_decay, fused=True
    )
    # the warm-up, a tenth of the steps, needs more than one step
    steps = max(options.epochs * len(batches), 11)
    return _Training(
        head,
        batches,
        np.random.default_rng(options.seed),
        make_loss(options.loss, float(targets.mean()), options.gamma),
        optimizer,
        torch.optim.lr_scheduler.OneCycleLR(optimizer, options.learning_rate, steps, pct_start=0.1),
        workers,
    )


def _first_head(dim: int, options: TrainingOptions, start: CalibratedHead | None) -> BaseHead:
    """Return a copy of the trained head or, without a start, a head with random weights."""
    if start:
        return copy.deepcopy(start.head)
    return make_head(str(options.head), dim, window=options.window, reach=options.reach)


def _check_input(head: BaseHead, name: str, train: Examples) -> None:
    if head.reads_words and train.table is None:
        raise UserError(
            f"the head {name} reads words: first run segtool embed with --pooling tokens and with "
            "--encoder ginza or --encoder wordvec:FILE"
        )
    if train.table is not None and len(train.table) == 1:
        raise UserError(
            "no word in the train split has a vector: use word vectors for the language of the text"
        )
    if not head.reads_words and train.table is not None:
        raise UserError(
            f"the head {name} reads one vector per sentence, but the corpus is embedded with "
            "--pooling tokens: use --head wordlstm, or run segtool embed with another pooling"
        )
