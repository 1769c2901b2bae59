"""Samples the works of many authors: excerpts for training, and whole texts for dev and test.

A set is a folder with train.jsonl.xz and dev.jsonl.xz, which have no author in common. Each line is
a work: a JSON object with "id", "author" and "text", and with "language" (ISO 639-3) if the set is
not Japanese.
"""

import json
import lzma
import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from xxhash import xxh3_64_intdigest

from segclf.corpus import Document, ReadOptions, plain
from segclf.corpus.documents import PARAGRAPH

_CODES = {"eng": "en", "fra": "fr", "deu": "de", "spa": "es"}
_FULL_STOP = "kuten"  # the rule that splits at the full stop and drops it
_CHARACTERS = 400  # read per sentence of an excerpt; above the mean length in every language


@dataclass(frozen=True)
class Work:
    """A work of an author.

    Attributes:
        id: Language, author and name of the work, joined by slashes.
        author: Language and author.
        language: ISO 639-1 code of the language.
        text: Text with a paragraph or a line of dialogue on each line.
        rule: Rule that splits the text into sentences.
    """

    id: str
    author: str
    language: str
    text: str
    rule: str = "sentencex"


def write_sample(
    folder: Path,
    path: Path,
    *,
    sentences_per_author: int,
    works_per_author: int,
    without_full_stops: float = 0.0,
) -> None:
    """Write a corpus with the splits train, dev and test as JSON Lines.

    The authors of dev.jsonl.xz are divided between dev and test by a hash of their names.

    Args:
        folder: Folder of the set.
        path: File to write.
        sentences_per_author: Maximum number of sentences by each training author.
        works_per_author: Maximum number of works from which these sentences are taken.
        without_full_stops: Share of the training works that are split at Japanese full stops, which
            are removed. Without such works, a model predicts that a line ends after every sentence
            that has no full stop.
    """
    with path.open("w", encoding="utf-8") as file:
        for author, works in _by_author(folder / "train.jsonl.xz"):
            generator = random.Random(author.rpartition("/")[2])  # the same sample at every call
            generator.shuffle(works)
            works = [
                replace(work, rule=_FULL_STOP) if generator.random() < without_full_stops else work
                for work in works[:works_per_author]
            ]
            for excerpt in _excerpts(works, sentences_per_author, generator):
                file.write(_line(excerpt, "train"))
        for author, works in _by_author(folder / "dev.jsonl.xz"):
            split = "dev" if xxh3_64_intdigest(author.encode()) % 2 else "test"
            for work in works:
                file.write(_line(_read(work, work.text), split))


def _by_author(path: Path) -> Iterator[tuple[str, list[Work]]]:
    authors: dict[str, list[Work]] = defaultdict(list)
    with lzma.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            record = json.loads(line)
            language = _CODES[record["language"]] if "language" in record else "ja"
            author = f"{language}/{record['author']}"
            name = record["id"].rpartition("/")[2]
            authors[author].append(Work(f"{author}/{name}", author, language, record["text"]))
    yield from sorted(authors.items())


def _excerpts(works: list[Work], sentences: int, generator: random.Random) -> Iterator[Document]:
    """Yield excerpts of about the same length, with at most `sentences` sentences in total."""
    remaining = sentences
    for number, work in enumerate(works):
        share = -(-remaining // (len(works) - number))
        document = _read(work, _part(work.text, share * _CHARACTERS, generator))
        document = _excerpt(document, share, generator)
        if len(document.sentences) > 1:
            remaining -= len(document.sentences)
            yield document


def _part(text: str, length: int, generator: random.Random) -> str:
    """Return consecutive lines with at most `length` characters, or a part of a longer line.

    Finding the sentences of the whole text would take much time.
    """
    if len(text) <= length:
        return text
    start = text.find("\n", generator.randrange(len(text) - length)) + 1
    part = text[start : start + length]
    return part[: part.rfind("\n")] if "\n" in part else part


def _excerpt(document: Document, size: int, generator: random.Random) -> Document:
    n = len(document.sentences)
    if n <= size:
        return document
    starts = [i for i in np.flatnonzero(document.labels).tolist() if i <= n - size]
    start = generator.choice(starts or [0])
    part = slice(start, start + size)
    return replace(document, sentences=document.sentences[part], labels=document.labels[part])


def _read(work: Work, text: str) -> Document:
    japanese = work.language == "ja"
    options = ReadOptions(
        boundary="typed" if japanese else "line", sentences=work.rule, language=work.language
    )
    (document,) = plain.read(text, work.id, options)
    labels = document.labels if japanese else np.where(document.labels, PARAGRAPH, 0)
    return replace(document, labels=labels.astype(np.int8), is_typed=True)


def _line(document: Document, split: str) -> str:
    record: dict[str, Any] = {
        "id": document.id,
        "split": split,
        "sentences": document.sentences,
        "labels": document.labels.tolist(),
        "typed": True,
    }
    return json.dumps(record, ensure_ascii=False) + "\n"
