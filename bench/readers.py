"""How much time and memory does it take to read text without line breaks?

Times are processor seconds, so that other work on the machine has little effect.
"""

import json
import lzma
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.harness import SHARED, Row, publish
from bench.memory import memory
from segclf.corpus import SENTENCE_RULES, ReadOptions, read_corpus

SIZES = (10_000_000, 100_000_000)
MAX_SECONDS = 60.0
LANGUAGES = {"ja": "Japanese", "en": "English"}
RULES = {"ja": tuple(SENTENCE_RULES), "en": ("sentencex", "line")}


def main() -> None:
    """Read each text by each rule in a separate process, and publish the table."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for code, language in LANGUAGES.items():
            files = [write(Path(folder), code, size) for size in SIZES]
            for rule in RULES[code]:
                small, large = (measure(path, rule, code) for path in files)
                rows += rows_of(f"{language}, `--sentences {rule}`", small, large)
    publish("readers", "100 MB of text on one line, read into a corpus", rows)


def write(folder: Path, code: str, size: int) -> Path:
    """Write the novels repeatedly on one line, until the text has the given number of bytes."""
    novels = japanese_novels() if code == "ja" else english_novels()
    data = novels.encode()
    data = (data * (size // len(data) + 1))[:size]
    path = folder / f"{code}-{size}.txt"
    path.write_bytes(data.decode(errors="ignore").encode())
    return path


def japanese_novels() -> str:
    """Return the text of the Japanese novels without line breaks."""
    novels = [path.read_text("utf-8") for path in sorted(SHARED.glob("data/soseki/*/*.txt"))]
    return "".join("".join(novels).split())


def english_novels() -> str:
    """Return the text of the English novels without line breaks."""
    with lzma.open(SHARED / "data/eltec/dev.jsonl.xz", "rt", encoding="utf-8") as lines:
        records = [json.loads(line) for line in lines]
    novels = [record["text"] for record in records if record["language"] == "eng"]
    return " ".join(" ".join(novels).split())


def measure(path: Path, rule: str, code: str) -> dict[str, float]:
    """Read a file in a fresh process; return seconds and bytes of memory."""
    command = [sys.executable, "-m", "bench.readers", str(path), rule, code]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def read(path: str, rule: str, code: str) -> None:
    """Read a file and print the seconds and the memory used."""
    before = memory("VmHWM")
    started = time.process_time()
    read_corpus(path, options=ReadOptions(sentences=rule, language=code), split="train")
    seconds = time.process_time() - started
    print(json.dumps({"seconds": seconds, "memory": memory("VmHWM") - before}))


def rows_of(name: str, small: dict[str, float], large: dict[str, float]) -> list[Row]:
    """Return the rows for one reader and sentence rule, given the measurements for both sizes."""
    seconds, share = large["seconds"], large["memory"] / SIZES[1]
    growth = f"{seconds / small['seconds']:.1f} times 10 MB"
    bound = f"at most {MAX_SECONDS:g}"
    return [
        Row(name, seconds, seconds, seconds, "s", growth, bound, seconds <= MAX_SECONDS),
        Row(f"{name}, memory", share, share, share, "times the file"),
    ]


if __name__ == "__main__":
    if len(sys.argv) > 1:
        read(*sys.argv[1:])
    else:
        main()
