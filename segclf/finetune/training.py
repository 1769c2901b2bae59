"""Training of a system. It can be interrupted after any step and resumed."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from types import FrameType

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from embedcache.terminal import progress_bar
from segclf.corpus import Corpus
from segclf.finetune.backbone import Text
from segclf.finetune.checkpoints import Progress, load_checkpoint, save_checkpoint
from segclf.finetune.options import FinetuneOptions, HierarchicalOptions
from segclf.finetune.system import System
from segclf.training.epochs import (
    Epoch,
    assess,
    assess_untrained,
    check_finite,
    has_collapsed,
    is_better,
)
from segclf.training.losses import Loss, make_loss
from segclf.workspace.runs import WEIGHTS
from segclf.workspace.weights import save_weights

CHECKPOINT_SECONDS = 180.0
"""Time after which the next step of an epoch writes a checkpoint."""

Groups = list[NDArray[np.int64]]


def train_system(
    system: System,
    train: Corpus,
    dev: Corpus,
    options: FinetuneOptions,
    folder: Path,
    *,
    on_epoch: Callable[[Epoch], None] = lambda _: None,
    progress: bool = False,
) -> Progress:
    """Train a system with AdamW, and save the weights of the best epoch on dev.

    Args:
        system: System, already on the device to compute on.
        train: Training split.
        dev: Dev split, on which the best epoch, its threshold and its temperature are chosen.
        options: Options of the system.
        folder: Folder of the run. Training resumes from a checkpoint in it. A checkpoint is written
            every few minutes, after each epoch, and on Ctrl-C.
        on_epoch: Function that is called with each finished epoch, beginning with epoch 0, which
            has the scores before training. When training resumes, the function is called again with
            the earlier epochs.
        progress: Whether to show progress bars on standard error.

    Returns:
        Progress after the last epoch, with the history and the number of the best epoch.

    Raises:
        UserError: The checkpoint is damaged or belongs to another system, or the loss is not
            finite.
        KeyboardInterrupt: Ctrl-C was pressed. If it was pressed during a training step, the step is
            finished and a checkpoint is written first.
    """
    text = system.backbone.tokenize(train.sentences, train.layout)
    dev_text = system.backbone.tokenize(dev.sentences, dev.layout)
    boundary_rate = float(train.labels[train.layout.is_candidate].mean())
    loss = make_loss(options.loss, boundary_rate, options.gamma)
    optimizer = make_optimizer(system, options)
    size = options.batch_size * options.accumulate
    plan = [
        system.groups(text, size, np.random.default_rng((options.seed, number)))
        for number in range(1, options.epochs + 1)
    ]
    state = load_checkpoint(folder, system, optimizer)
    if state is None:
        system.prepare(text)
        untrained = system.predict(dev_text, progress=progress)
        state = Progress(history=[assess_untrained(dev.layout, untrained, loss)])
        save_checkpoint(folder, state, system, optimizer)
    for epoch in state.history:
        on_epoch(epoch)
    trainer = _Trainer(system, text, train.labels, loss, optimizer, options, plan, folder)
    while state.epoch <= options.epochs:
        trainer.finish_epoch(state, progress=progress)
        _assess_epoch(state, system, dev, dev_text, folder, progress=progress)
        save_checkpoint(folder, state, system, optimizer)
        on_epoch(state.history[-1])
    return state


def make_optimizer(system: System, options: FinetuneOptions) -> torch.optim.AdamW:
    """Make the optimizer of the trained parameters.

    Weight decay applies to matrices other than embeddings. The head of a hierarchical system has
    its own learning rate.
    """
    head_rate = options.learning_rate
    if isinstance(options, HierarchicalOptions):
        head_rate = options.upper_learning_rate
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in system.named_parameters():
        if parameter.requires_grad:
            matrix = parameter.ndim > 1 and "embeddings" not in name
            decay = options.weight_decay if matrix else 0.0
            rate = options.learning_rate if name.startswith("backbone.") else head_rate
            groups.setdefault((rate, decay), []).append(parameter)
    return torch.optim.AdamW(
        [
            {"params": parameters, "max_lr": rate, "weight_decay": decay}
            for (rate, decay), parameters in groups.items()
        ],
        fused=True,
    )


def learning_rate_factor(step: int, steps: int, warmup: float) -> float:
    """Return the factor of the learning rate at a step: linear warm-up, then linear decay.

    Args:
        step: Number of the step, counted from 0.
        steps: Total number of steps.
        warmup: Share of the steps in which the learning rate rises.
    """
    warmup_steps = max(round(steps * warmup), 1)
    if step < warmup_steps:
        return (step + 1) / warmup_steps
    return (steps - step) / max(steps - warmup_steps, 1)


class _Trainer:
    """The training steps and the objects that they share."""

    def __init__(
        self,
        system: System,
        text: Text,
        labels: NDArray[np.bool_],
        loss: Loss,
        optimizer: torch.optim.Optimizer,
        options: FinetuneOptions,
        plan: list[Groups],
        folder: Path,
    ) -> None:
        self._system = system
        self._text = text
        self._targets = torch.from_numpy(labels.astype(np.float32)).to(system.backbone.device)
        self._loss = loss
        self._optimizer = optimizer
        self._options = options
        self._plan = plan
        self._steps = len(list(chain.from_iterable(plan)))
        self._folder = folder

    def finish_epoch(self, state: Progress, *, progress: bool) -> None:
        """Train from the current step to the end of the epoch."""
        groups = self._plan[state.epoch - 1]
        steps_before = sum(len(earlier) for earlier in self._plan[: state.epoch - 1])
        saved = time.monotonic()
        self._system.train()
        with (
            _delayed_interrupt() as interrupted,
            progress_bar(
                len(groups),
                "steps",
                show=progress,
                description=f"epoch {state.epoch}",
                done=state.step,
                leave=False,
            ) as bar,
        ):
            for group in groups[state.step :]:
                started = time.perf_counter()
                loss = self._step(group, steps_before + state.step)
                check_finite(loss, state.epoch)
                state.loss += loss * len(group)
                state.candidates += len(group)
                state.step += 1
                state.seconds += time.perf_counter() - started
                bar.set_postfix(loss=f"{state.loss / state.candidates:.4f}", refresh=False)
                bar.update()
                if interrupted() or time.monotonic() - saved > CHECKPOINT_SECONDS:
                    save_checkpoint(self._folder, state, self._system, self._optimizer)
                    saved = time.monotonic()
                if interrupted():
                    raise KeyboardInterrupt
        save_checkpoint(self._folder, state, self._system, self._optimizer)

    def _step(self, group: NDArray[np.int64], number: int) -> float:
        """Perform one step, and return the mean loss of its candidates."""
        torch.manual_seed((self._options.seed << 32) + number)
        for settings in self._optimizer.param_groups:
            factor = learning_rate_factor(number, self._steps, self._options.warmup)
            settings["lr"] = settings["max_lr"] * factor
        total = 0.0
        for part in np.array_split(group, self._options.accumulate):
            if len(part):
                logits = self._system(self._text, part)
                value = self._loss(logits, self._targets[part]) * (len(part) / len(group))
                value.backward()  # type: ignore[no-untyped-call]
                total += value.item()
        nn.utils.clip_grad_norm_(self._system.parameters(), 1.0)
        self._optimizer.step()
        self._optimizer.zero_grad()
        return total


def _assess_epoch(
    state: Progress, system: System, dev: Corpus, text: Text, folder: Path, *, progress: bool
) -> None:
    """Score a finished epoch on dev, save the weights of the best epoch, and start the next one."""
    probabilities = system.predict(text, progress=progress)
    mean_loss = state.loss / state.candidates
    epoch = assess(state.epoch, mean_loss, state.seconds, dev.layout, probabilities)
    if is_better(epoch, state.history[state.best]):
        save_weights(folder / WEIGHTS, system.trained_state())
        state.best = epoch.epoch
        state.collapsed = has_collapsed(dev.layout, probabilities, epoch.threshold)
    state.history.append(epoch)
    state.epoch, state.step = state.epoch + 1, 0
    state.loss, state.candidates, state.seconds = 0.0, 0, 0.0


@contextmanager
def _delayed_interrupt() -> Iterator[Callable[[], bool]]:
    """Delay Ctrl-C until a step ends: yield a function that returns whether Ctrl-C was pressed.

    A second Ctrl-C interrupts immediately. Outside the main thread, which alone can handle signals,
    nothing is delayed.
    """
    pressed = threading.Event()

    def remember(number: int, frame: FrameType | None) -> None:
        if pressed.is_set():
            raise KeyboardInterrupt
        pressed.set()

    if threading.current_thread() is not threading.main_thread():
        yield pressed.is_set
        return
    previous = signal.signal(signal.SIGINT, remember)
    try:
        yield pressed.is_set
    finally:
        signal.signal(signal.SIGINT, previous)
