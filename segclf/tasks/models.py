"""Trained models of any kind, loaded from their runs."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embedcache.encoders.threads import limit_threads
from segclf.corpus import Corpus
from segclf.inputs.examples import Examples
from segclf.workspace.runs import Run

Model = Callable[[Corpus], NDArray[np.float32]]
"""A loaded model. For a corpus of n sentences, it returns (n,) float32: the probability before
calibration that each sentence begins a paragraph. The value for the first sentence of each document
is meaningless."""


@dataclass(frozen=True)
class Compute:
    """Device, threads and progress display of a computation.

    Attributes:
        device: Device of the model, and of the encoder if sentences are encoded. If None, a head
            uses the CPU; everything else uses the fastest device.
        threads: Number of CPU threads for the model and for the encoder. If None, an encoder uses
            one thread per core, a head uses one thread, and a fine-tuned system uses PyTorch's
            default.
        progress: Whether to show a progress bar on standard error.
        memory: Maximum size of the vectors of an embedded corpus in memory, in gigabytes; None for
            `segclf.workspace.memory.vectors_limit`.
    """

    device: str | None = None
    threads: int | None = None
    progress: bool = False
    memory: float | None = None


def load_model(run: Run, examples: Callable[[Corpus], Examples], compute: Compute) -> Model:
    """Load the model of a run.

    Args:
        run: Run of a head or of a fine-tuned system.
        examples: Function that makes the examples of a corpus. Only a head needs it: a fine-tuned
            system reads the sentences.
        compute: Device, threads and progress display.

    Raises:
        UserError: The run is damaged, the pretrained model of a fine-tuned system is missing or has
            changed, or the device does not exist.
    """
    return _load_head(run, examples, compute) if run.kind == "head" else _load_system(run, compute)


def load_text_model(run: Run, examples: Callable[[Corpus], Examples], compute: Compute) -> Model:
    """Load the model of a run to segment new texts, without torch if possible.

    See `load_model` for the arguments and the errors. To score a run, use `load_model`, which
    always uses torch, as training does.
    """
    if not run.is_mlp or compute.device not in (None, "cpu"):
        return load_model(run, examples, compute)
    head = run.load_numpy_mlp()
    return lambda corpus: head.predict(examples(corpus))


def _load_head(run: Run, examples: Callable[[Corpus], Examples], compute: Compute) -> Model:
    from embedcache.encoders.devices import check_device

    head = run.load_head().to(check_device(compute.device or "cpu"))

    def predict(corpus: Corpus) -> NDArray[np.float32]:
        # outside `limit_threads`, since an encoder uses its own number of threads
        vectors = examples(corpus)
        with limit_threads(1 if compute.threads is None else compute.threads):
            return head.predict(vectors)

    return predict


def _load_system(run: Run, compute: Compute) -> Model:
    from segclf.finetune.runs import load_system  # heads do not need these modules

    system = load_system(run, compute.device)

    def predict(corpus: Corpus) -> NDArray[np.float32]:
        with limit_threads(compute.threads):
            text = system.backbone.tokenize(corpus.sentences, corpus.layout)
            return system.predict(text, progress=compute.progress)

    return predict
