"""A run of any kind, and sentences -> probabilities."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embedcache import encode_in_memory
from embedcache.encoders.devices import check_device
from embedcache.encoders.threads import limit_threads
from segclf.corpus import Corpus
from segclf.inputs.examples import Examples
from segclf.scoring.calibration import calibrate
from segclf.workspace.encoders import load_referenced
from segclf.workspace.runs import Run
from segclf.workspace.vectors import examples_of, make_examples
from segclf.workspace.workspace import Workspace


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
    run: Run,
    corpus: Corpus,
    workspace: Workspace,
    *,
    device: str | None = None,
    threads: int | None = None,
    progress: bool = False,
) -> Prediction:
    """Let a run say how likely a paragraph begins with each sentence of an embedded corpus.

    A head takes the sentences' vectors from the store, a fine-tuned system the sentences.

    Args:
        run: any.
        corpus: or one split of it; its labels are not looked at.
        workspace: with the vectors.
        device: that computes; None for the CPU for a head, for the best for a fine-tuned system.
        threads: that a CPU computes with; None for one for a head, for torch's own number for a
            fine-tuned system.
        progress: show a bar on standard error.

    Raises:
        UserError: the store lacks a sentence, the run's encoder has changed, or there is no such
            device.
    """

    def gather() -> Examples:
        return examples_of(corpus, workspace, run.encoder)

    return _predict(run, corpus, gather, device, threads, progress)


def predict_text(
    run: Run,
    corpus: Corpus,
    workspace: Workspace,
    *,
    device: str | None = None,
    threads: int | None = None,
    progress: bool = False,
) -> Prediction:
    """Predict like `predict_corpus`, for sentences that need not be embedded; nothing is written.

    Args:
        run: any.
        corpus: new text; its labels are not looked at.
        workspace: vectors that its store has are not computed again; it may have no store.
        device: see `predict_corpus`; the encoder of a head takes the best where it is None.
        threads: see `predict_corpus`; None lets the encoder of a head use torch's own number.
        progress: show a bar on standard error.

    Raises:
        UserError: the run's encoder has changed, or there is no such device.
    """

    def encode() -> Examples:
        store = workspace.store() if workspace.has_store() else None
        encoder = load_referenced(run.encoder, workspace.encoders, run.path, device=device)
        with limit_threads(threads):
            vectors = encode_in_memory(corpus.sentences, encoder, store, progress=progress)
        return make_examples(corpus, vectors, encoder.token_vectors)

    return _predict(run, corpus, encode, device, threads, progress)


def _predict(
    run: Run,
    corpus: Corpus,
    examples: Callable[[], Examples],
    device: str | None,
    threads: int | None,
    progress: bool,
) -> Prediction:
    if run.kind == "head":
        head = run.load_head().to(check_device(device or "cpu"))
        started = time.perf_counter()
        with limit_threads(1 if threads is None else threads):
            probabilities = head.predict(examples())
    else:
        from segclf.finetune.runs import load_system

        system = load_system(run, device)
        started = time.perf_counter()
        with limit_threads(threads):
            text = system.backbone.tokenize(corpus.sentences, corpus.layout)
            probabilities = system.predict(text, progress=progress)
    probabilities = calibrate(probabilities, run.temperature)
    probabilities = corpus.layout.mark_document_starts(probabilities)
    return Prediction(probabilities, time.perf_counter() - started)
