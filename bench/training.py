"""How long does an epoch of a head take, compared with plain PyTorch and Lightning loops?"""

import json
import logging
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from functools import partial
from pathlib import Path

import torch
from pytorch_lightning import LightningModule, Trainer
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from torch import Tensor, nn

from bench import plain
from bench.harness import SHARED, Row, publish, time_rounds, timing_row, value_row
from segclf.corpus import ReadOptions
from segclf.inputs.examples import Examples
from segclf.tasks.embed import embed
from segclf.training.epochs import Epoch, assess, is_better
from segclf.training.loop import train_head
from segclf.training.options import TrainingOptions
from segclf.workspace.vectors import examples_of
from segclf.workspace.workspace import Workspace

WINDOW = 4
SEEDS = 5
BATCH_SIZE = 256
MIN_SPEEDUPS = {"mlp": 2, "bilstm": 3, "transformer": 3}  # over the plain loop
MAX_F1_LOSS = 0.01  # on dev, compared with the plain loop


def main() -> None:
    """Train each head with segtool and with a plain loop, with the same settings."""
    workspace = Workspace()
    embedded = embed(
        SHARED / "data/soseki", workspace, name="soseki", options=ReadOptions("indent", "kuten")
    )
    parts = {
        split: examples_of(embedded.corpus.select(split), workspace, embedded.encoder)
        for split in ("train", "dev", "test")
    }
    rows = [row for head in MIN_SPEEDUPS for row in head_rows(head, parts)]
    rows.append(classifier_row(parts["train"]))
    rows.append(command_row(workspace))
    threads = torch.get_num_threads()
    title = f"Training: one epoch at window {WINDOW}; threads: {threads}"
    publish("training", title, rows)


def head_rows(name: str, parts: dict[str, Examples]) -> list[Row]:
    """Measure seconds per epoch and dev F1 of one head, one round per seed."""
    train, dev, test = (parts[split] for split in ("train", "dev", "test"))
    histories: list[list[Epoch]] = []
    plain_histories: list[list[Epoch]] = []
    lightning, passes = [], []
    threads = torch.get_num_threads()  # the same for all loops
    for seed in range(SEEDS):
        options = TrainingOptions(head=name, window=WINDOW, seed=seed)
        trained = train_head(train, dev, options, threads=threads)
        histories.append(trained.history[1:])
        plain_histories.append(train_plain_loop(name, train, dev, seed))
        lightning.append(lightning_epoch(name, train, seed))
        passes += time_rounds({"pass": partial(trained.head.predict, test)}, 3)["pass"]
    plain_seconds = mean_seconds(plain_histories)
    difference = best_f1(histories) - best_f1(plain_histories)
    seconds = mean_seconds(histories)
    plain_loop = ("a plain loop", plain_seconds)
    return [
        timing_row(
            f"{name}: segtool", seconds, against=plain_loop, at_least_faster=MIN_SPEEDUPS[name]
        ),
        timing_row(f"{name}: plain DataLoader loop", plain_seconds),
        timing_row(f"{name}: Lightning", lightning, against=plain_loop),
        value_row(f"{name}: dev F1, mean of {SEEDS} seeds", best_f1(histories), ""),
        Row(
            f"{name}: dev F1 minus that of the plain loop",
            *(difference,) * 3,
            "",
            bound=f"at least -{MAX_F1_LOSS}",
            holds=difference >= -MAX_F1_LOSS,
        ),
        value_row(
            f"{name}: prediction for the {len(test.layout):,} test sentences",
            statistics.median(passes),
            "s",
            at_most=0.5,
        ),
    ]


def train_plain_loop(name: str, train: Examples, dev: Examples, seed: int) -> list[Epoch]:
    """Train with the plain loop and the same early stopping as segtool."""
    defaults = TrainingOptions()
    loop = plain.Loop(name, train, WINDOW, seed, BATCH_SIZE, defaults.epochs)
    history: list[Epoch] = []
    best = None
    for number in range(1, defaults.epochs + 1):
        started = time.perf_counter()
        loop.train_epoch()
        seconds = time.perf_counter() - started
        history.append(assess(number, 0.0, seconds, dev.layout, loop.predict(dev)))
        if best is None or is_better(history[-1], best):
            best = history[-1]
        elif number - best.epoch >= defaults.patience:
            break
    return history


class PlainModule(LightningModule):
    """The model of the plain loop as a Lightning module."""

    def __init__(self, loop: plain.Loop) -> None:
        super().__init__()
        self.model = loop.model
        self.loop = loop

    def training_step(self, batch: tuple[Tensor, Tensor]) -> Tensor:
        """Return the loss."""
        inputs, labels = batch
        return nn.functional.binary_cross_entropy_with_logits(self.model(inputs), labels)

    def configure_optimizers(self) -> dict[str, object]:
        """Return the optimizer and the schedule of the plain loop."""
        schedule = {"scheduler": self.loop.schedule, "interval": "step"}
        return {"optimizer": self.loop.optimizer, "lr_scheduler": schedule}


def lightning_epoch(name: str, train: Examples, seed: int) -> float:
    """Return the seconds of one epoch with a Lightning trainer, without its construction."""
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    loop = plain.Loop(name, train, WINDOW, seed, BATCH_SIZE, TrainingOptions().epochs)
    trainer = Trainer(
        max_epochs=1,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        gradient_clip_val=1.0,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        started = time.perf_counter()
        trainer.fit(PlainModule(loop), loop.loader)
    return time.perf_counter() - started


def classifier_row(train: Examples) -> Row:
    """Measure an epoch of scikit-learn's MLPClassifier over the same windows."""
    data = plain.Windows(train, WINDOW)
    inputs = torch.stack([data[index][0] for index in range(len(data))]).flatten(1).numpy()
    classifier = MLPClassifier(256, batch_size=BATCH_SIZE, max_iter=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        seconds = time_rounds({"fit": lambda: classifier.fit(inputs, data.labels.numpy())}, 3)
    return timing_row("scikit-learn's MLPClassifier, 256 hidden", seconds["fit"])


def command_row(workspace: Workspace) -> Row:
    """Measure the time of `segtool train` outside training, in a copy of the workspace."""
    shares = []
    with tempfile.TemporaryDirectory(prefix="segtool-bench-") as folder:
        for part in ("store", "corpora"):
            shutil.copytree(workspace.path / part, Path(folder) / part)
        segtool = str(Path(sys.executable).parent / "segtool")
        command = [segtool, "train", "--json", "--workspace", folder]
        for _ in range(3):
            started = time.perf_counter()
            done = subprocess.run(command, check=True, capture_output=True)
            training = json.loads(done.stdout)["seconds"]
            shares.append((time.perf_counter() - started - training) / training)
    return value_row(
        "segtool train: all other work, relative to the training time",
        statistics.median(shares),
        "",
        at_most=1,
    )


def mean_seconds(histories: list[list[Epoch]]) -> list[float]:
    """Return the mean seconds per epoch of each history."""
    return [statistics.mean(epoch.seconds for epoch in history) for history in histories]


def best_f1(histories: list[list[Epoch]]) -> float:
    """Return the mean of the best dev F1 of each history."""
    return statistics.mean(max(epoch.f1 for epoch in history) for history in histories)


if __name__ == "__main__":
    main()
