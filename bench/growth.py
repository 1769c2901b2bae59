"""Do the time and the memory of `encode_sentences` stay within bounds for ten million sentences?"""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.harness import Row, publish, timing_row, value_row

COUNTS = (100_000, 1_000_000, 10_000_000)

Results = dict[int, list[dict[str, float]]]  # what `run` returned for each number of sentences

STREAM = """
import json, sys, time
from bench.memory import memory
from bench.stub import StubEncoder
from embedcache import EmbeddingStore, encode_sentences
count = int(sys.argv[2])
stream = (f"これは{number}番目の文である。" for number in range(count))
started = time.perf_counter()
report = encode_sentences(stream, StubEncoder(), EmbeddingStore(sys.argv[1]))
seconds = time.perf_counter() - started
assert report.encoded == count
print(json.dumps({"seconds": seconds, "peak_gib": memory("VmHWM") / 2**30}))
"""

PLAIN = """
import json, os, sys, time
import numpy as np
count = int(sys.argv[2])
chunk = np.ones((1 << 16, 384), dtype=np.float32)
started = time.perf_counter()
with open(sys.argv[1] + "/plain", "wb", buffering=0) as file:
    for start in range(0, count, 1 << 16):
        file.write(chunk[: count - start])
        os.fdatasync(file.fileno())
print(json.dumps({"seconds": time.perf_counter() - started}))
"""


def main() -> None:
    """Stream each number of sentences in a new process, the smaller numbers several times."""
    streams, plain = measure(STREAM), measure(PLAIN)
    rows: list[Row] = []
    for count, results in streams.items():
        rows.append(growth_row(f"{count:,} sentences", streams, count, at_most=11))
        peak = max(result["peak_gib"] for result in results)
        rows.append(value_row(f"{count:,} sentences: peak memory", peak, "GiB", at_most=1.5))
    rows += [
        growth_row(f"{count:,} vectors, plain write and sync", plain, count) for count in plain
    ]
    publish("growth", "Growth: encoding a stream with a stub encoder", rows)


def measure(script: str) -> Results:
    """Run a script for each number of sentences."""
    return {count: [run(script, count) for _ in range(rounds_of(count))] for count in COUNTS}


def growth_row(name: str, results: Results, count: int, at_most: float | None = None) -> Row:
    """Return a row of seconds, with the ratio to a tenth of the sentences."""
    seconds = {
        size: [result["seconds"] for result in measured] for size, measured in results.items()
    }
    fewer = count // 10
    against = (f"{fewer:,}", seconds[fewer]) if fewer in seconds else None
    return timing_row(name, seconds[count], against=against, at_most=at_most)


def rounds_of(count: int) -> int:
    """Return how many times to measure a number of sentences."""
    return 3 if count <= 1_000_000 else 1


def run(script: str, count: int) -> dict[str, float]:
    """Run a script in a new process and an empty folder."""
    folder = Path(tempfile.mkdtemp(prefix="segtool-bench-"))
    try:
        command = [sys.executable, "-c", script, str(folder), str(count)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        result: dict[str, float] = json.loads(done.stdout)
        return result
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
