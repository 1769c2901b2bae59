"""What does an epoch of a head cost, beside the loops that one would write?"""

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
from bench.harness import SHARED, Row, figure, publish, rounds, row
from segclf.batches import Examples
from segclf.corpus import ReadOptions
from segclf.embedding import embed
from segclf.options import TrainingOptions
from segclf.runs import examples_of
from segclf.training import Epoch, assess, is_better, predict, train_head
from segclf.workspace import Workspace

WINDOW = 4
SEEDS = 5
BATCH_SIZE = 256
FASTER = {"mlp": 2, "bilstm": 3, "transformer": 3}  # than the plain loop, at least
CLOSE = 0.01  # of dev F1


def main() -> None:
    """Train every head in turn, ours and by hand, with the same settings."""
    workspace = Workspace()
    embedded = embed(
        SHARED / "data/soseki", workspace, name="soseki", options=ReadOptions("indent", "kuten")
    )
    parts = {
        split: examples_of(embedded.corpus.select(split), workspace, embedded.encoder)
        for split in ("train", "dev", "test")
    }
    rows = [r for head in FASTER for r in head_rows(head, parts)]
    rows.append(classifier_row(parts["train"]))
    rows.append(command_row(workspace))
    threads = torch.get_num_threads()
    title = f"Training: an epoch at window {WINDOW}, and the rest of the work; threads: {threads}"
    publish("training", title, rows)


def head_rows(name: str, parts: dict[str, Examples]) -> list[Row]:
    """Measure one head: seconds an epoch and dev F1, a round a seed."""
    train, dev, test = (parts[split] for split in ("train", "dev", "test"))
    ours: list[list[Epoch]] = []
    theirs: list[list[Epoch]] = []
    lightning, passes = [], []
    threads = torch.get_num_threads()  # of all that are compared
    for seed in range(SEEDS):
        options = TrainingOptions(head=name, window=WINDOW, seed=seed)
        trained = train_head(train, dev, options, threads=threads)
        ours.append(trained.history[1:])
        theirs.append(by_hand(name, train, dev, seed))
        lightning.append(lightning_epoch(name, train, seed))
        predict_test = partial(predict, trained.head, test, threads=threads)
        passes += rounds({"pass": predict_test}, 3)["pass"]
    plain_seconds = mean_seconds(theirs)
    difference = best_f1(ours) - best_f1(theirs)
    seconds = mean_seconds(ours)
    against = ("a plain loop", plain_seconds)
    return [
        row(f"{name}: segtool", seconds, against=against, at_least_faster=FASTER[name]),
        row(f"{name}: a plain DataLoader loop", plain_seconds),
        row(f"{name}: Lightning", lightning, against=("a plain loop", plain_seconds)),
        figure(f"{name}: dev F1, mean of {SEEDS} seeds", best_f1(ours), ""),
        Row(
            f"{name}: dev F1 less the plain loop's",
            *(difference,) * 3,
            "",
            bound=f"at least -{CLOSE}",
            holds=difference >= -CLOSE,
        ),
        figure(
            f"{name}: the {len(test.labels):,} test sentences",
            statistics.median(passes),
            "s",
            at_most=0.5,
        ),
    ]


def by_hand(name: str, train: Examples, dev: Examples, seed: int) -> list[Epoch]:
    """Train with the plain loop and the same early stopping."""
    defaults = TrainingOptions()
    loop = plain.Loop(name, train, WINDOW, seed, BATCH_SIZE, defaults.epochs)
    history: list[Epoch] = []
    best = None
    for number in range(1, defaults.epochs + 1):
        started = time.perf_counter()
        loop.epoch()
        seconds = time.perf_counter() - started
        history.append(assess(number, 0.0, seconds, dev, loop.predict(dev)))
        if best is None or is_better(history[-1], best):
            best = history[-1]
        elif number - best.epoch >= defaults.patience:
            break
    return history


class Module(LightningModule):
    """The same model for Lightning."""

    def __init__(self, loop: plain.Loop) -> None:
        super().__init__()
        self.model = loop.model
        self.loop = loop

    def training_step(self, batch: tuple[Tensor, Tensor]) -> Tensor:
        """Return the loss."""
        inputs, labels = batch
        return nn.functional.binary_cross_entropy_with_logits(self.model(inputs), labels)

    def configure_optimizers(self) -> dict[str, object]:
        """Return those of the plain loop."""
        schedule = {"scheduler": self.loop.schedule, "interval": "step"}
        return {"optimizer": self.loop.optimizer, "lr_scheduler": schedule}


def lightning_epoch(name: str, train: Examples, seed: int) -> float:
    """Return the seconds of one epoch of a Lightning trainer, its start not counted."""
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
        trainer.fit(Module(loop), loop.loader)
    return time.perf_counter() - started


def classifier_row(train: Examples) -> Row:
    """Measure an epoch of scikit-learn's MLPClassifier over the same windows."""
    data = plain.Windows(train, WINDOW)
    inputs = torch.stack([data[i][0] for i in range(len(data))]).flatten(1).numpy()
    classifier = MLPClassifier(256, batch_size=BATCH_SIZE, max_iter=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        seconds = rounds({"fit": lambda: classifier.fit(inputs, data.labels.numpy())}, 3)["fit"]
    return row("scikit-learn's MLPClassifier, 256 hidden", seconds)


def command_row(workspace: Workspace) -> Row:
    """Measure what `segtool train` does beside training, in a copy of the workspace."""
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
    return figure(
        "segtool train: all else, as a share of training", statistics.median(shares), "", at_most=1
    )


def mean_seconds(histories: list[list[Epoch]]) -> list[float]:
    """Return the mean seconds an epoch of each history."""
    return [statistics.mean(epoch.seconds for epoch in history) for history in histories]


def best_f1(histories: list[list[Epoch]]) -> float:
    """Return the mean over histories of their best F1 on dev."""
    return statistics.mean(max(epoch.f1 for epoch in history) for history in histories)


if __name__ == "__main__":
    main()
