"""Is the time of `encode_sentences` linear up to ten million sentences, and its memory bounded?

Plain writes of the same number of bytes show how fast the disk is.
"""

import json
import subprocess
import sys
import tempfile

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
from bench.stub import DIM
count = int(sys.argv[2])
chunk = np.ones((1 << 16, DIM), dtype=np.float32)
started = time.perf_counter()
with open(sys.argv[1] + "/plain", "wb", buffering=0) as file:
    for start in range(0, count, 1 << 16):
        file.write(chunk[: count - start])
        os.fdatasync(file.fileno())
print(json.dumps({"seconds": time.perf_counter() - started}))
"""


def main() -> None:
    """Encode streams of several lengths, each in a new process; the shorter ones three times."""
    encoding, plain = measure(STREAM), measure(PLAIN)
    rows: list[Row] = []
    for count, results in encoding.items():
        rows.append(growth_row(f"{count:,} sentences", encoding, count, at_most=11))
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
    """Return a row with the time in seconds and its ratio to the time for a tenth of them."""
    seconds = {
        size: [result["seconds"] for result in measured] for size, measured in results.items()
    }
    tenth = count // 10
    against = (f"{tenth:,}", seconds[tenth]) if tenth in seconds else None
    return timing_row(name, seconds[count], against=against, at_most=at_most)


def rounds_of(count: int) -> int:
    """Return how many times to measure this number of sentences."""
    return 3 if count <= 1_000_000 else 1


def run(script: str, count: int) -> dict[str, float]:
    """Run a script in a new process and an empty folder."""
    with tempfile.TemporaryDirectory(prefix="segtool-bench-") as folder:
        command = [sys.executable, "-c", script, folder, str(count)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    result: dict[str, float] = json.loads(done.stdout)
    return result


if __name__ == "__main__":
    main()
