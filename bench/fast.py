"""How fast are static encoders from text to store, and `segtool segment --fast` on a novel?"""

import os
import subprocess
import sys
import tempfile
import time
from itertools import count
from pathlib import Path

from bench.encode import distinct
from bench.harness import SHARED, Row, publish, time_rounds, timing_row, value_row
from embedcache import EmbeddingStore, encode_sentences, load_encoder
from segclf.corpus import ReadOptions, read_corpus

ENCODERS = {"static-paragraphs": 20_000, "static-paragraphs+surface": 0, "surface": 0}
"""Encoders and the lower bound on their sentences per second; 0 for none."""
ROUNDS = 5
SECONDS = 2.0  # bound on a novel, the start of the process included


def main() -> None:
    """Measure the encoders with five novels on one core, and `segment` with a sixth novel."""
    corpus = read_corpus(SHARED / "data/soseki/train", options=ReadOptions("indent", "kuten"))
    sentences = distinct(corpus.sentences, limit=None)
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cores)})
    rows = [rate_row(name, sentences, bound) for name, bound in ENCODERS.items()]
    os.sched_setaffinity(0, cores)
    publish("fast", f"Fast encoders: {len(sentences):,} sentences on one core", [*rows, novel()])


def rate_row(name: str, sentences: list[str], bound: int) -> Row:
    """Encode new sentences into an empty store."""
    encoder = load_encoder(name)
    encoder.encode(sentences[:8])
    rates = []
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory(prefix="segtool-bench-") as folder:
            store = EmbeddingStore(Path(folder) / "store")
            started = time.perf_counter()
            encode_sentences(sentences, encoder, store, threads=1)
            rates.append(len(sentences) / (time.perf_counter() - started))
    median = sorted(rates)[ROUNDS // 2]
    return value_row(
        f"{name}: sentences per second, written to the store", median, "", at_least=bound
    )


def novel() -> Row:
    """Segment a novel of 351,260 characters in a new process."""
    text = SHARED / "data/soseki/test/meian.txt"
    with tempfile.TemporaryDirectory(prefix="segtool-bench-") as folder:
        command = [str(Path(sys.executable).with_name("segtool")), "segment", str(text), "--fast"]
        command += ["--layout", "ignore", "--output"]
        numbers = count()

        def segment() -> None:
            output = str(Path(folder) / f"{next(numbers)}.txt")
            subprocess.run([*command, output], check=True, capture_output=True)

        seconds = time_rounds({"segment": segment}, ROUNDS)["segment"]
    return timing_row(
        "segtool segment --fast, Meian (11,243 sentences), process start included",
        seconds,
        against=("a limit of 2 s", [SECONDS]),
        at_most=1,
    )


if __name__ == "__main__":
    main()
