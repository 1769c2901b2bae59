"""Predict boundary probabilities with a run of any kind."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embedcache import encode_in_memory
from segclf.corpus import BoundaryType, Corpus
from segclf.inputs.examples import Examples
from segclf.scoring.calibration import calibrate
from segclf.tasks.models import Compute, Model, load_model, load_text_model
from segclf.workspace.encoders import load_referenced
from segclf.workspace.ready import ReadyModel
from segclf.workspace.runs import Run
from segclf.workspace.vectors import examples_of, make_examples
from segclf.workspace.workspace import Workspace

Predictor = Callable[[Corpus], Mapping[BoundaryType, NDArray[np.float32]]]
"""A loaded model. For a corpus of n sentences, it returns the probabilities (n,) float32 of each
head, as in `Prediction`; see `Run.runs` and `ReadyModel.runs` for the heads."""


@dataclass(frozen=True)
class Prediction:
    """Predicted probabilities.

    Attributes:
        probabilities: (n,) float32 calibrated probability that each sentence begins a paragraph; 1
            for the first sentence of a document.
        seconds: Wall-clock time from sentences, or their vectors, to probabilities. It does not
            include loading the model.
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
        UserError: The encoder returns words and their vectors cannot be loaded, or the model cannot
            be loaded; see `segclf.tasks.models.load_model`.
    """

    def read(corpus: Corpus) -> Examples:
        return examples_of(corpus, workspace, run.encoder, compute.memory)

    return _predict(run, corpus, read, compute)


def load_predictor(model: Run | ReadyModel, workspace: Workspace, compute: Compute) -> Predictor:
    """Load a model for any number of texts that are not embedded. No file is written.

    Args:
        model: Run of a head or of a fine-tuned model, or ready model.
        workspace: Workspace whose store is searched for vectors of the sentences. It may have no
            store.
        compute: Device, threads and progress display of the encoder and the model.

    Raises:
        UserError: The encoder of the model cannot be loaded or has changed, or the model cannot be
            loaded; see `segclf.tasks.models.load_model`.
        StoreError: The store cannot be opened.
    """
    encode = _load_encoder(model.runs["any"], workspace, compute)
    loaded = {
        name: (load_text_model(run, encode, compute), run) for name, run in model.runs.items()
    }

    def predict(corpus: Corpus) -> dict[BoundaryType, NDArray[np.float32]]:
        return {name: _calibrated(head, run, corpus) for name, (head, run) in loaded.items()}

    return predict


def _load_encoder(run: Run, workspace: Workspace, compute: Compute) -> Callable[[Corpus], Examples]:
    """Return a function that makes the examples of a corpus and computes what the store lacks.

    The function keeps the examples of the latest corpus, because all heads of a model read them.
    """
    if run.kind != "head":
        return _no_vectors
    store = workspace.store() if workspace.has_store() else None
    encoder = load_referenced(run.encoder, workspace.encoders, run.path, device=compute.device)
    latest: list[tuple[Corpus, Examples]] = []

    def encode(corpus: Corpus) -> Examples:
        if not (latest and latest[0][0] is corpus):
            vectors = encode_in_memory(
                corpus.sentences,
                encoder,
                store,
                threads=compute.threads,
                progress=compute.progress,
            )
            latest[:] = [(corpus, make_examples(corpus, vectors, encoder.token_vectors))]
        return latest[0][1]

    return encode


def predict_types(
    model: Run | ReadyModel, corpus: Corpus, examples: Examples, compute: Compute
) -> dict[BoundaryType, Prediction]:
    """Predict with every head of a model.

    Args:
        model: Run or ready model.
        corpus: Corpus of n sentences. Its labels are not used.
        examples: Examples of the corpus, which are the same for all heads.
        compute: Device, threads and progress display of the heads.

    Returns:
        The prediction for each type in `model.runs`.

    Raises:
        UserError: A head cannot be loaded; see `segclf.tasks.models.load_model`.
    """
    return {
        boundary_type: _predict(run, corpus, lambda _: examples, compute)
        for boundary_type, run in model.runs.items()
    }


def _no_vectors(corpus: Corpus) -> Examples:
    raise NotImplementedError("a fine-tuned system reads the sentences, not their vectors")


def _predict(
    run: Run, corpus: Corpus, examples: Callable[[Corpus], Examples], compute: Compute
) -> Prediction:
    model = load_model(run, examples, compute)
    started = time.perf_counter()
    probabilities = _calibrated(model, run, corpus)
    return Prediction(probabilities, time.perf_counter() - started)


def _calibrated(model: Model, run: Run, corpus: Corpus) -> NDArray[np.float32]:
    probabilities = calibrate(model(corpus), run.temperature)
    return corpus.layout.mark_document_starts(probabilities)
