"""New text -> paragraphs."""

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedcache import UserError
from segclf.corpus import Corpus, Document
from segclf.corpus.plain import Sentence, sentences_in
from segclf.corpus.sentences import guess_language, sentence_rule
from segclf.corpus.units import is_wrapped, units_of
from segclf.scoring.decoding import decode_within, most_probable
from segclf.tasks.predict import predict_text
from segclf.workspace.runs import Run
from segclf.workspace.workspace import Workspace

_NEWLINE = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True)
class Segmentation:
    """A text and where its paragraphs begin.

    Attributes:
        text: as it was given.
        sentences: n sentences with their places in the text.
        probabilities: (n,) float32, that a paragraph begins with the sentence.
        boundaries: (n,) bool.
    """

    text: str
    sentences: list[Sentence]
    probabilities: NDArray[np.float32]
    boundaries: NDArray[np.bool_]

    def paragraphs(self) -> list[str]:
        """Return the paragraphs; joined they are the text, character for character."""
        begins = [self.sentences[i].start for i in np.flatnonzero(self.boundaries)]
        edges = [0, *begins[1:], len(self.text)]
        return [self.text[start:end] for start, end in pairwise(edges)]

    def to_text(self) -> str:
        """Return the text with an empty line before each paragraph but the first.

        Where the text has an empty line nothing is inserted, where it has one line break, one more.
        Inserted breaks are of the kind that the text has: CRLF, LF or CR; LF if it has none. A
        break within a line replaces the white space there.
        """
        found = _NEWLINE.search(self.text)
        newline = found.group() if found else "\n"
        *before, last = self.paragraphs()
        return "".join(_with_empty_line(paragraph, newline) for paragraph in before) + last

    def to_dict(self) -> dict[str, Any]:
        """Return what `segtool segment --format json` prints."""
        return {
            "text": self.text,
            "sentences": [
                {
                    "text": sentence.text,
                    "start": sentence.start,
                    "end": sentence.end,
                    "probability": round(float(probability), 6),
                    "boundary": bool(boundary),
                }
                for sentence, probability, boundary in zip(
                    self.sentences, self.probabilities, self.boundaries, strict=True
                )
            ],
        }


def segment(
    text: str,
    workspace: Workspace,
    run: Run,
    *,
    threshold: float | None = None,
    paragraphs: int | None = None,
    min_length: int = 1,
    max_length: int | None = None,
    device: str | None = None,
    threads: int | None = None,
    progress: bool = False,
) -> Segmentation:
    """Find the paragraphs of a text; the layout that it has is not looked at.

    Nothing is written: vectors that the store has are read, the others are computed and dropped.

    Args:
        text: any text. A line break ends a sentence, unless most lines break within sentences.
        workspace: whose store may have vectors of the sentences; it may be missing.
        run: of any kind.
        threshold: probability at which a paragraph begins; by default the run's, from dev.
        paragraphs: begin so many, where they are most probable, whatever the threshold.
        min_length: fewest sentences of a paragraph; the last may have fewer.
        max_length: most sentences of a paragraph; None for no limit.
        device: that encodes and predicts, see `segclf.tasks.predict.predict_text`.
        threads: likewise.
        progress: show a bar on standard error.

    Raises:
        UserError: there is no sentence in the text, or fewer than the paragraphs wanted; a
            threshold that is no probability, or lengths that no paragraph can have; or the run's
            encoder has changed.
    """
    _check(threshold, paragraphs, min_length, max_length)
    rule = sentence_rule(run.record.sentence_rule)
    language = run.record.language or guess_language(text)
    units, _ = units_of(text, "blank" if is_wrapped(text) else "line", keep_headings=True)
    sentences = [s for unit in units for s in sentences_in(text, unit, rule, language)]
    if not sentences:
        raise UserError("there is no sentence in the text")
    if paragraphs is not None and not 1 <= paragraphs <= len(sentences):
        raise UserError(
            f"{paragraphs} paragraphs of {len(sentences)} sentences: take 1 to {len(sentences)}"
        )
    texts = [sentence.text for sentence in sentences]
    corpus = Corpus.of([Document("", texts, np.zeros(len(texts), dtype=np.bool_))], ["test"])
    probabilities = predict_text(
        run, corpus, workspace, device=device, threads=threads, progress=progress
    ).probabilities
    if paragraphs is not None:
        boundaries = most_probable(corpus.layout, probabilities, paragraphs)
    else:
        boundaries = decode_within(
            corpus.layout,
            probabilities,
            run.threshold if threshold is None else threshold,
            min_length=min_length,
            max_length=max_length,
        )
    return Segmentation(text, sentences, probabilities, boundaries)


def _check(
    threshold: float | None, paragraphs: int | None, min_length: int, max_length: int | None
) -> None:
    limited = min_length > 1 or max_length is not None
    if paragraphs is not None and (threshold is not None or limited):
        other = "a threshold decides" if threshold is not None else "limits of length decide"
        raise UserError(f"{other} how many paragraphs there are: leave one of both out")
    if threshold is not None and not 0 <= threshold <= 1:
        raise UserError(f"threshold is {threshold:g}: take a probability, 0 to 1")
    if min_length < 1:
        raise UserError(f"min length is {min_length}: take 1 or more")
    if max_length is not None and max_length < min_length:
        raise UserError(f"max length is {max_length}: take {min_length} or more")


def _with_empty_line(paragraph: str, newline: str) -> str:
    """End a paragraph with an empty line; an indent after its last break belongs to the next."""
    text = paragraph.rstrip()
    breaks = list(_NEWLINE.finditer(paragraph, len(text)))
    if not breaks:
        return text + 2 * newline
    end = breaks[-1].end()
    return paragraph[:end] + (2 - len(breaks)) * newline + paragraph[end:]
