"""Export of a head to ONNX, for programs without torch; see `segclf.integrations.onnx_head`."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import onnx
import torch
from torch import Tensor, nn

from segclf.heads.base import BaseHead, Head
from segclf.heads.document import DocumentHead
from segclf.heads.local_transformer import LocalTransformer
from segclf.heads.wordlstm import WordLSTM
from segclf.integrations.onnx_head import INSIDE, TABLE, VECTORS, WINDOWS, WORDS
from segclf.integrations.onnx_modules import (
    TracedDocumentHead,
    TracedLocalTransformer,
    TracedWindowHead,
    TracedWordHead,
)
from segclf.workspace.runs import Run

_SENTENCES, _WORDS = 7, 5  # in the example with which a head is traced; a model reads any number


def export_onnx(run: Run, path: Path) -> Path:
    """Write the head of a run as one ONNX file.

    After the export of an LSTM, torch 2.13 cannot export `document-bilstm` in the same process.

    Args:
        run: Run of a head.
        path: File to write.

    Returns:
        The path of the file.

    Raises:
        UserError: The run has no head, or its weights are damaged or do not fit the head.
    """
    head = run.load_head()
    module, inputs = _trace(head, run)
    with _quietly():
        program = torch.onnx.export(
            module.eval(),
            tuple(inputs.values()),
            input_names=list(inputs),
            output_names=["probabilities"],
            dynamic_shapes=tuple(
                dict.fromkeys((0, 1) if name == WORDS else (0,), torch.export.Dim.DYNAMIC)
                for name in inputs
            ),
            dynamo=True,
            verbose=False,
        )
    assert program is not None  # noqa: S101 only the earlier exporter returns None
    model = program.model_proto
    _describe(model, run, head)
    onnx.save(model, path)
    return path


def _trace(head: BaseHead, run: Run) -> tuple[nn.Module, dict[str, Tensor]]:
    """Return the head in a form that can be traced, and an example of its inputs by name."""
    vectors = torch.zeros(_SENTENCES, run.record.dim)
    if isinstance(head, LocalTransformer):
        blocks = torch.zeros(_SENTENCES, head.reach, run.record.dim)
        inside = torch.ones(_SENTENCES, head.reach, dtype=torch.bool)
        return TracedLocalTransformer(head, run.temperature), {VECTORS: blocks, INSIDE: inside}
    if isinstance(head, DocumentHead):
        return TracedDocumentHead(head, run.temperature), {VECTORS: vectors}
    assert isinstance(head, Head)  # noqa: S101 all other heads are
    windows = torch.zeros(3, 2 * head.window, dtype=torch.int64)
    if isinstance(head, WordLSTM):
        words = torch.zeros(_SENTENCES, _WORDS, dtype=torch.int64)
        inputs = {WORDS: words, TABLE: vectors, WINDOWS: windows}
        return TracedWordHead(head, run.temperature), inputs
    return TracedWindowHead(head, run.temperature), {VECTORS: vectors, WINDOWS: windows}


@contextmanager
def _quietly() -> Iterator[None]:
    """Suppress the messages of torch about details of the export and about optional packages."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _describe(model: onnx.ModelProto, run: Run, head: BaseHead) -> None:
    facts = {
        "head": run.record.training_options.head,
        "window": head.window or 0,
        "block": head.reach if isinstance(head, LocalTransformer) else 0,
        "threshold": run.threshold,
        "encoder": run.encoder.name,
        "fingerprint": run.encoder.fingerprint,
    }
    onnx.helper.set_model_props(model, {name: str(value) for name, value in facts.items()})
