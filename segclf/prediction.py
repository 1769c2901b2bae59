"""A run of any kind, and sentences -> probabilities."""

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embedcache import encode_sentences
from segclf.calibration import calibrate
from segclf.corpus import Corpus
from segclf.encoders import load_referenced
from segclf.runs import Run, examples_of
from segclf.workspace import Workspace


@dataclass(frozen=True)
class Prediction:
    """What a run says of sentences.

    Attributes:
        probabilities: (n,) float32, that a paragraph begins with the sentence; calibrated. That of
            a document's first is 1.
        seconds: wall-clock time from sentences, or their cached vectors, to probabilities; the
            model was loaded before.
    """

    probabilities: NDArray[np.float32]
    seconds: float


def predict_corpus(
    run: Run, corpus: Corpus, workspace: Workspace, *, progress: bool = False
) -> Prediction:
    """Let a run say how likely a paragraph begins with each sentence of a corpus.

    A head takes the sentences' vectors from the store, a fine-tuned system the sentences.

    Args:
        run: any.
        corpus: or one split of it; its labels are not looked at.
        workspace: with the vectors.
        progress: show a bar on standard error.

    Raises:
        UserError: the store lacks a sentence, or the run's encoder has changed.
    """
    if run.kind == "head":
        head = run.load_head()
        started = time.perf_counter()
        probabilities = head.predict(examples_of(corpus, workspace, run.encoder))
    else:
        from segclf.finetune.runs import load_system

        system = load_system(run)
        started = time.perf_counter()
        text = system.backbone.tokenize(corpus.sentences, corpus.layout)
        probabilities = system.predict(text, progress=progress)
    probabilities = calibrate(probabilities, run.temperature)
    probabilities = corpus.layout.mark_document_starts(probabilities)
    return Prediction(probabilities, time.perf_counter() - started)


def encode_for(
    run: Run, sentences: list[str], workspace: Workspace, *, progress: bool = False
) -> None:
    """See to it that the store has the vectors that a run needs; a fine-tuned one needs none.

    Raises:
        UserError: the run's encoder has changed.
    """
    if run.kind == "head":
        store = workspace.store(create=True)
        for part in run.encoder.parts:
            encoder = load_referenced(part, workspace.encoders, run.path)
            encode_sentences(sentences, encoder, store, progress=progress)
