"""Predict the probabilities of boundaries with a run of any kind."""

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
    """Predicted probabilities.

    Attributes:
        probabilities: (n,) float32 calibrated probabilities that a paragraph begins with the
            sentence; 1 for the first sentence of a document.
        seconds: Wall-clock time from sentences, or their cached vectors, to probabilities. It does
            not include loading the model.
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
    """Predict the boundaries of an embedded corpus.

    A head reads the vectors in the store. A fine-tuned system reads the sentences.

    Args:
        run: Run of any kind.
        corpus: Corpus, or one split of it. Its labels are not used.
        workspace: Workspace with the vectors.
        device: Device of the model; None for the CPU for a head, and the fastest device for a
            fine-tuned system.
        threads: Number of CPU threads; None for 1 for a head, and the default of torch for a
            fine-tuned system.
        progress: Whether to show a progress bar on standard error.

    Raises:
        StoreError: The store lacks a sentence or the encoder.
        UserError: The encoder of the run has changed, or the device does not exist.
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
    """Predict the boundaries of a text that is not embedded, without writing anything.

    Args:
        run: Run of any kind.
        corpus: The text. Its labels are not used.
        workspace: Workspace whose store is searched for vectors of the sentences. It may have no
            store.
        device: Device of the encoder and the model; None for the fastest device, and the CPU for a
            head.
        threads: Number of CPU threads; None for the default of torch, and 1 for a head.
        progress: Whether to show a progress bar on standard error.

    Raises:
        UserError: The encoder of the run has changed, or the device does not exist.
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
        vectors = examples()  # encoders do not compute with the threads of the head
        with limit_threads(1 if threads is None else threads):
            probabilities = head.predict(vectors)
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
