"""Predict boundary probabilities with a run of any kind."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embedcache import encode_in_memory
from embedcache.encoders.threads import limit_threads
from segclf.corpus import BoundaryType, Corpus
from segclf.inputs.examples import Examples
from segclf.scoring.calibration import calibrate
from segclf.tasks.models import Compute, load_model
from segclf.workspace.encoders import load_referenced
from segclf.workspace.ready import ReadyModel
from segclf.workspace.runs import Run
from segclf.workspace.vectors import examples_of, make_examples
from segclf.workspace.workspace import Workspace


@dataclass(frozen=True)
class Prediction:
    """Predicted probabilities.

    Attributes:
        probabilities: (n,) float32 calibrated probability that a paragraph begins with each
            sentence; 1 for the first sentence of a document.
        seconds: Wall-clock time from sentences, or their cached vectors, to probabilities. It does
            not include loading the model.
    """

    probabilities: NDArray[np.float32]
    seconds: float


def predict_corpus(run: Run, corpus: Corpus, workspace: Workspace, compute: Compute) -> Prediction:
    """Predict the boundaries of an embedded corpus.

    A head reads the vectors in the store. A fine-tuned system reads the sentences.

    Args:
        run: Run of a head or of a fine-tuned model.
        corpus: Corpus, or one split of it. Its labels are not used.
        workspace: Workspace with the vectors.
        compute: Device, threads and progress display of the model.

    Raises:
        StoreError: The store has no vectors from the encoder, or lacks a sentence.
        UserError: The encoder of the run has changed, or the device does not exist.
    """

    def read(corpus: Corpus) -> Examples:
        return examples_of(corpus, workspace, run.encoder)

    return _predict(run, corpus, read, compute)


def predict_text(run: Run, corpus: Corpus, workspace: Workspace, compute: Compute) -> Prediction:
    """Predict the boundaries of a text that is not embedded. No file is written.

    Args:
        run: Run of a head or of a fine-tuned model.
        corpus: Sentences of the text. Labels are not used.
        workspace: Workspace whose store is searched for vectors of the sentences. It may have no
            store.
        compute: Device, threads and progress display of the encoder and the model.

    Raises:
        UserError: The encoder of the run has changed, or the device does not exist.
    """

    def encode(corpus: Corpus) -> Examples:
        return encode_text(run, corpus, workspace, compute)

    return _predict(run, corpus, encode, compute)


def predict_types(
    model: ReadyModel, corpus: Corpus, examples: Examples, compute: Compute
) -> dict[BoundaryType, Prediction]:
    """Predict with every head of a ready model.

    Args:
        model: Ready model.
        corpus: Corpus of n sentences. Its labels are not used.
        examples: Vectors of the n sentences, which are the same for all heads.
        compute: Device, threads and progress display of the heads.

    Returns:
        The prediction for each type in `ReadyModel.runs`.

    Raises:
        UserError: The device does not exist.
    """
    return {
        boundary_type: _predict(run, corpus, lambda _: examples, compute)
        for boundary_type, run in model.runs.items()
    }


def encode_text(run: Run, corpus: Corpus, workspace: Workspace, compute: Compute) -> Examples:
    """Compute the vectors that a head reads, except those that the store already has.

    The arguments are those of `predict_text`.

    Raises:
        UserError: The encoder of the run has changed, or the device does not exist.
    """
    store = workspace.store() if workspace.has_store() else None
    encoder = load_referenced(run.encoder, workspace.encoders, run.path, device=compute.device)
    with limit_threads(compute.threads):
        vectors = encode_in_memory(corpus.sentences, encoder, store, progress=compute.progress)
    return make_examples(corpus, vectors, encoder.token_vectors)


def _predict(
    run: Run, corpus: Corpus, examples: Callable[[Corpus], Examples], compute: Compute
) -> Prediction:
    model = load_model(run, examples, compute)
    started = time.perf_counter()
    probabilities = calibrate(model(corpus), run.temperature)
    probabilities = corpus.layout.mark_document_starts(probabilities)
    return Prediction(probabilities, time.perf_counter() - started)
