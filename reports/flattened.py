"""Scores `segment` on texts whose line breaks are removed.

The other pages score sentences that were read from a text with its line breaks, which also end
sentences. Here, `segment` must find the sentences too. `python -m reports.flattened` prints a table
for the authors in the files dev.jsonl.xz in ../shared/data.
"""

import json
import lzma
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from segclf.tasks.segment import Segmenter
from segclf.tasks.segment_options import SegmentOptions
from segclf.workspace.workspace import Workspace

DATA = Path(__file__).parents[2] / "shared" / "data"
CHARACTERS = 40_000  # read at the beginning of each work
AUTHORS = 12  # maximum number for each language


def main() -> None:
    """Print a row for each language."""
    segmenter = Segmenter(Workspace())
    print("| text | authors | boundaries that begin a sentence | precision | recall | F1 |")
    print("| --- | --- | --- | --- | --- | --- |")
    for language, texts in works().items():
        scores = np.array([score(segmenter, text, language) for text in texts]).mean(axis=0)
        print(f"| {language} | {len(texts)} | {' | '.join(f'{value:.3f}' for value in scores)} |")


def works() -> dict[str, list[str]]:
    """Return the beginning of one work of each of at most `AUTHORS` authors, by language.

    Only works with more than `CHARACTERS` characters are chosen.
    """
    found: dict[str, dict[str, str]] = {}
    for name in ("aozora-many", "eltec"):
        for work in read(DATA / name / "dev.jsonl.xz"):
            texts = found.setdefault(work.get("language", "jpn"), {})
            if len(texts) < AUTHORS and len(work["text"]) > CHARACTERS:
                texts.setdefault(work["author"], work["text"][:CHARACTERS].rpartition("\n")[0])
    return {language: list(texts.values()) for language, texts in found.items()}


def read(path: Path) -> Iterator[dict[str, str]]:
    """Yield the works of a set."""
    with lzma.open(path, "rt", encoding="utf-8") as file:
        yield from map(json.loads, file)


def score(segmenter: Segmenter, text: str, language: str) -> tuple[float, float, float, float]:
    """Segment a text without its line breaks.

    Returns:
        Share of the true boundaries at which `segment` begins a sentence; precision, recall and F1
        of the boundaries of any type.
    """
    flat = re.sub(r"\s+", "" if language == "jpn" else " ", text)
    found = segmenter.segment(flat, SegmentOptions())
    before = np.cumsum([0, *(not character.isspace() for character in flat)])
    starts = np.array([before[sentence.start] for sentence in found.sentences])
    sizes = [len(re.sub(r"\s", "", line)) for line in text.splitlines() if line.strip()]
    true = set(np.cumsum(sizes[:-1]).tolist())
    predicted = set(starts[found.boundaries].tolist()) - {0}
    hits = len(true & predicted)
    covered = len(true & set(starts.tolist())) / len(true)
    precision, recall = hits / max(len(predicted), 1), hits / len(true)
    return covered, precision, recall, 2 * hits / max(len(predicted) + len(true), 1)


if __name__ == "__main__":
    main()
