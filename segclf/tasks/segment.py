"""Segment a text into paragraphs with a run."""

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedcache import UserError
from segclf.corpus import Corpus, Document
from segclf.corpus.sentences import Sentence, guess_language, locate_sentences, sentence_rule
from segclf.corpus.units import is_wrapped, split_units
from segclf.scoring.decoding import decode_within, most_probable
from segclf.tasks.models import Compute
from segclf.tasks.predict import predict_text
from segclf.workspace.runs import Run
from segclf.workspace.workspace import Workspace

_NEWLINE = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True)
class Segmentation:
    """A text and its paragraphs.

    Attributes:
        text: The unchanged text.
        sentences: n sentences with their positions in the text.
        probabilities: (n,) float32 probability that a paragraph begins with each sentence.
        boundaries: (n,) bool, whether a paragraph begins with each sentence.
    """

    text: str
    sentences: list[Sentence]
    probabilities: NDArray[np.float32]
    boundaries: NDArray[np.bool_]

    def paragraphs(self) -> list[str]:
        """Return the paragraphs. Their concatenation is the unchanged text."""
        begins = [self.sentences[i].start for i in np.flatnonzero(self.boundaries)]
        edges = [0, *begins[1:], len(self.text)]
        return [self.text[start:end] for start, end in pairwise(edges)]

    def to_text(self) -> str:
        """Return the text with an empty line between paragraphs.

        Existing line breaks are kept; where there are fewer than two, the missing ones are
        inserted. Inserted line breaks have the same form (CRLF, LF or CR) as the first line break
        in the text, or LF if there is none. Within a line, they replace the white space between
        the sentences.
        """
        found = _NEWLINE.search(self.text)
        newline = found.group() if found else "\n"
        *before, last = self.paragraphs()
        return "".join(_with_empty_line(paragraph, newline) for paragraph in before) + last

    def to_dict(self) -> dict[str, Any]:
        """Return the output of `segtool segment --format json`."""
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
    """Find the paragraphs of a text, ignoring its existing paragraphs.

    Nothing is written. Vectors are read from the store if it has them, and computed otherwise.

    Args:
        text: Text to segment. A line break ends a sentence, unless the lines are wrapped.
        workspace: Workspace whose store is searched for vectors. It may have no store.
        run: Run of a head or of a fine-tuned model.
        threshold: Minimum probability of a boundary; None for the threshold of the run, which was
            chosen on dev.
        paragraphs: Exact number of paragraphs. The text is split at the most probable boundaries.
        min_length: Minimum number of sentences in a paragraph. The last paragraph may be
            shorter.
        max_length: Maximum number of sentences in a paragraph; None for no limit.
        device: Device of the encoder and the model; None for the fastest device, except that a
            head uses the CPU.
        threads: Number of CPU threads for each of them; None for PyTorch's default, except that a
            head uses 1.
        progress: Whether to show a progress bar on standard error.

    Raises:
        UserError: The text has no sentences or fewer than the number of paragraphs, the options
            are invalid or cannot be combined, or the encoder of the run has changed.
    """
    _check_options(threshold, paragraphs, min_length, max_length)
    rule = sentence_rule(run.record.sentence_rule)
    language = run.record.language or guess_language(text)
    units, _ = split_units(text, "blank" if is_wrapped(text) else "line", keep_headings=True)
    sentences = [s for unit in units for s in locate_sentences(text, unit, rule, language)]
    if not sentences:
        raise UserError("the text contains no sentences: nothing to segment")
    if paragraphs is not None and not 1 <= paragraphs <= len(sentences):
        raise UserError(
            f"paragraphs is {paragraphs}: use 1 to {len(sentences)}, the number of sentences"
        )
    texts = [sentence.text for sentence in sentences]
    corpus = Corpus.of([Document("", texts, np.zeros(len(texts), dtype=np.bool_))], ["test"])
    compute = Compute(device, threads, progress)
    probabilities = predict_text(run, corpus, workspace, compute).probabilities
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


def _check_options(
    threshold: float | None, paragraphs: int | None, min_length: int, max_length: int | None
) -> None:
    limited = min_length > 1 or max_length is not None
    if paragraphs is not None and (threshold is not None or limited):
        other = "a threshold" if threshold is not None else "a length limit"
        raise UserError(
            f"a number of paragraphs cannot be combined with {other}: use only one of them"
        )
    if threshold is not None and not 0 <= threshold <= 1:
        raise UserError(f"threshold is {threshold:g}: use a probability from 0 to 1")
    if min_length < 1:
        raise UserError(f"min length is {min_length}: use 1 or more")
    if max_length is not None and max_length < min_length:
        raise UserError(f"max length is {max_length}: use {min_length} or more")


def _with_empty_line(paragraph: str, newline: str) -> str:
    """End a paragraph with an empty line; an indent after the last line break is kept."""
    text = paragraph.rstrip()
    breaks = list(_NEWLINE.finditer(paragraph, len(text)))
    if not breaks:
        return text + 2 * newline
    end = breaks[-1].end()
    return paragraph[:end] + (2 - len(breaks)) * newline + paragraph[end:]
