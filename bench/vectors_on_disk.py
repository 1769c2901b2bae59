"""How much slower is training from a file than from memory, and how much memory does it save?"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.harness import SHARED, Row, publish, timing_row, value_row
from segclf.corpus import Corpus, Document, ReadOptions
from segclf.inputs.examples import Examples
from segclf.tasks.embed import embed
from segclf.training.loop import train_head
from segclf.training.options import TrainingOptions
from segclf.workspace.corpora import EncoderReference
from segclf.workspace.vectors import training_examples
from segclf.workspace.workspace import Workspace

HEAD = "mlp"
SEEDS = 5
COPIES = 20  # of the train split, for the corpus whose memory is measured
MEMORY = {"in memory": 1000, "from a file": 0}  # gigabytes that vectors may use
SLOWER = 1.1  # maximum ratio of the times


def main() -> None:
    """Train a head in both ways, and measure the memory of `segtool train`."""
    workspace = Workspace()
    embedded = embed(
        SHARED / "data/soseki", workspace, name="soseki", options=ReadOptions("indent", "kuten")
    )
    splits = embedded.corpus.select("train"), embedded.corpus.select("dev")
    examples = {
        name: training_examples(*splits, workspace, embedded.encoder, memory)
        for name, memory in MEMORY.items()
    }
    rows = head_rows(HEAD, examples)
    rows += memory_rows(workspace, *splits, embedded.encoder)
    publish("vectors_on_disk", "Training from a file instead of from memory, with one thread", rows)


def head_rows(head: str, examples: dict[str, tuple[Examples, Examples]]) -> list[Row]:
    """Measure processor seconds per epoch and dev F1 of one head, one round per seed."""
    seconds: dict[str, list[float]] = {name: [] for name in examples}
    f1: dict[str, list[float]] = {name: [] for name in examples}
    names = list(examples)
    for seed in range(SEEDS):
        for name in names if seed % 2 else names[::-1]:
            started = time.process_time()
            trained = train_head(*examples[name], TrainingOptions(head=head, seed=seed))
            epochs = len(trained.history) - 1
            seconds[name].append((time.process_time() - started) / epochs)
            f1[name].append(trained.best.f1)
    memory, file = names
    against = (memory, seconds[memory])
    rows = [
        timing_row(f"{head}: an epoch {memory}", seconds[memory]),
        timing_row(f"{head}: an epoch {file}", seconds[file], against=against, at_most=SLOWER),
    ]
    for name in names:
        mean, *spread = statistics.mean(f1[name]), min(f1[name]), max(f1[name])
        rows.append(Row(f"{head}: dev F1 {name}, mean of {SEEDS} seeds", mean, *spread, ""))
    return rows


def memory_rows(
    workspace: Workspace, train: Corpus, dev: Corpus, encoder: EncoderReference
) -> list[Row]:
    """Measure the peak memory of `segtool train` on copies of the train split."""
    documents = [
        Document(f"{split}-{copy}-{i}", part.sentences[start:stop], part.types[start:stop])
        for split, part, copies in (("train", train, COPIES), ("dev", dev, 1))
        for copy in range(copies)
        for i, (start, stop) in enumerate(part.layout.documents)
    ]
    corpus = Corpus.of(documents, [document.id.split("-")[0] for document in documents])
    with tempfile.TemporaryDirectory(prefix="segtool-bench-", dir=workspace.path) as folder:
        shutil.copytree(workspace.path / "store", Path(folder) / "store")
        Workspace(folder).save_corpus("copies", corpus, "kuten", encoder)
        peaks = {name: peak(folder, memory) for name, memory in MEMORY.items()}
    sentences = f"{len(corpus):,} sentences"
    rows = [value_row(f"peak memory, {sentences}, {name}", peaks[name], "MB") for name in peaks]
    return [value_row("vectors of these sentences", len(corpus) * 639 * 4 / 1e6, "MB"), *rows]


def peak(folder: str, memory: float) -> float:
    """Return the peak resident memory of `segtool train`, in MB; file pages are included."""
    command = [str(Path(sys.executable).parent / "segtool"), "train", "--workspace", folder]
    command += ["--epochs", "1", "--memory", str(memory), "--json"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise RuntimeError(f"{command} failed")
    return usage.ru_maxrss * 1024 / 1e6


if __name__ == "__main__":
    main()
