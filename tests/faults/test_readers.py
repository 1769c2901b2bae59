"""Damaged and hostile texts are read, or refused in one line, by every reader."""

import contextlib
import resource
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from embedcache import UserError, normalize
from segclf.corpus import ReadOptions
from segclf.corpus.decode import DecodedText
from segclf.corpus.extracted import ExtractedText
from segclf.corpus.files import interpret
from segclf.corpus.languages import guess_language
from segclf.corpus.read import read_documents
from segclf.corpus.sentences import SENTENCE_RULES
from segclf.corpus.unsegmented import read_sentences
from tests.faults.children import RIGHT, WrongError, run_in_child
from tests.faults.tally import Tally, counts
from tests.faults.texts import SAMPLES, mutant

BATCH = 100  # texts that one process reads
MEMORY = 4 << 30  # bytes that a process may add to its memory


def read_all(data: bytes, name: str) -> None:
    """Read a text as a corpus and as a text to segment, and check what is returned.

    Raises:
        UserError: The text is refused.
    """
    content = interpret(data, name, encoding=None, extracting=True)
    with contextlib.suppress(UserError):
        check_sentences(text_of(content))
    check_documents(content, name)


def text_of(content: DecodedText | ExtractedText) -> str:
    return content.to_text() if isinstance(content, ExtractedText) else content.text


def check_documents(content: DecodedText | ExtractedText, name: str) -> None:
    for document in read_documents(content, name, "auto", ReadOptions()):
        if len(document.labels) != len(document.sentences) or not document.sentences:
            raise WrongError("labels")
        if not set(np.unique(document.labels).tolist()) <= {0, 1, 2}:
            raise WrongError("values of labels")
        for sentence in document.sentences:
            if not sentence or normalize(sentence) != sentence:
                raise WrongError(f"the sentence {sentence!r}")


def check_sentences(text: str) -> None:
    language = guess_language(text)
    found = read_sentences(text, SENTENCE_RULES["sentencex"], language, cut_dialogue=True)
    end = 0
    for sentence in found.sentences:
        if not sentence.text or not end <= sentence.start < sentence.end <= len(text):
            raise WrongError(f"the sentence {sentence}")
        end = sentence.end


def with_limited_memory(action: Callable[[], object]) -> Callable[[], object]:
    def run() -> None:
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))
        action()

    return run


@pytest.mark.parametrize("kind", SAMPLES)
@counts(50, "TEXTS", 100_000)
def test_a_damaged_text_is_read_or_refused_in_one_line(tally: Tally, kind: str, count: int):
    suffix, samples = SAMPLES[kind]
    for sample in samples:  # it can be read, and the forks need not import the libraries
        check_sentences(text_of(interpret(sample, f"text{suffix}", encoding=None, extracting=True)))

    def read_batch(numbers: range) -> None:
        for number in numbers:
            try:
                read_all(mutant(samples, f"{kind} {number}"), f"text{suffix}")
            except UserError as error:
                if len(str(error).splitlines()) != 1:
                    raise
            except WrongError as error:
                raise WrongError(f"text {number}: {error}") from error
            except BaseException as error:
                raise AssertionError(f"text {number}: {error!r}") from error

    outcomes = []
    for start in range(0, count, BATCH):
        numbers = range(start, min(start + BATCH, count))
        done = run_in_child(with_limited_memory(partial(read_batch, numbers)))
        outcomes += [done] + [(RIGHT, "")] * (len(numbers) - 1)
    tally.check(f"a damaged {kind}", outcomes)
