"""Do time and memory of `encode_sentences` stay in bounds up to ten million sentences?"""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.harness import Row, figure, publish, row

COUNTS = (100_000, 1_000_000, 10_000_000)

STREAM = """
import json, re, sys, time
from bench.stub import StubEncoder
from embedcache import EmbeddingStore, encode_sentences
count = int(sys.argv[2])
stream = (f"これは{number}番目の文である。" for number in range(count))
started = time.perf_counter()
report = encode_sentences(stream, StubEncoder(), EmbeddingStore(sys.argv[1]))
seconds = time.perf_counter() - started
assert report.encoded == count
status = open("/proc/self/status").read()
peak = int(re.search(r"VmHWM:\\s+(\\d+) kB", status)[1]) / 2**20
print(json.dumps({"seconds": seconds, "peak_gib": peak}))
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
    runs = {count: [run(STREAM, count) for _ in range(rounds_of(count))] for count in COUNTS}
    plain = {count: [run(PLAIN, count) for _ in range(rounds_of(count))] for count in COUNTS}
    rows: list[Row] = []
    for count, results in runs.items():
        seconds = [result["seconds"] for result in results]
        before = runs.get(count // 10)
        against = (f"{count // 10:,}", [r["seconds"] for r in before]) if before else None
        rows.append(row(f"{count:,} sentences", seconds, against=against, at_most=11))
        peak = max(result["peak_gib"] for result in results)
        rows.append(figure(f"{count:,} sentences: peak memory", peak, "GiB", at_most=1.5))
    for count, results in plain.items():
        seconds = [result["seconds"] for result in results]
        before = plain.get(count // 10)
        against = (f"{count // 10:,}", [r["seconds"] for r in before]) if before else None
        rows.append(row(f"{count:,} vectors, plain write and sync", seconds, against=against))
    publish("growth", "Growth: encoding a stream with a stub encoder", rows)


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
