"""Export of a head to ONNX, for programs without torch; see `segclf.integrations.onnx_head`."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import onnx
import torch
from torch import nn

from embedcache import UserError
from segclf.heads.base import BaseHead, Head
from segclf.heads.document import DocumentHead
from segclf.heads.local_transformer import LocalTransformer
from segclf.integrations.onnx_head import VECTORS, WINDOWS
from segclf.integrations.onnx_modules import TracedDocumentHead, TracedWindowHead
from segclf.workspace.runs import Run

_SENTENCES = 7  # in the example with which a head is traced; any other number works too


def exportable_head(run: Run) -> BaseHead:
    """Load the head of a run.

    Raises:
        UserError: The run has no head, or its head cannot be exported because it reads words or
            because its attention is computed in blocks.
    """
    head = run.load_head()
    if head.reads_words or isinstance(head, LocalTransformer):
        raise UserError(
            f"{run.name}: the head {run.record.training_options.head} cannot be exported to ONNX"
        )
    return head


def export_onnx(run: Run, path: Path) -> Path:
    """Write the head of a run as one ONNX file.

    Args:
        run: Run of a head.
        path: File to write.

    Raises:
        UserError: The head cannot be exported; see `exportable_head`.
    """
    head = exportable_head(run)
    vectors = torch.zeros(_SENTENCES, run.record.dim)
    dynamic = {0: torch.export.Dim.DYNAMIC}
    if isinstance(head, Head):
        module: nn.Module = TracedWindowHead(head, run.temperature)
        inputs = {VECTORS: vectors, WINDOWS: torch.zeros(3, 2 * head.window, dtype=torch.int64)}
    else:
        assert isinstance(head, DocumentHead)  # noqa: S101 all other heads are
        module, inputs = TracedDocumentHead(head, run.temperature), {VECTORS: vectors}
    with _quietly():
        program = torch.onnx.export(
            module.eval(),
            tuple(inputs.values()),
            input_names=list(inputs),
            output_names=["probabilities"],
            dynamic_shapes=tuple(dynamic for _ in inputs),
            dynamo=True,
            verbose=False,
        )
    assert program is not None  # noqa: S101 only the earlier exporter returns None
    model = program.model_proto
    _describe(model, run, head)
    onnx.save(model, path)
    return path


@contextmanager
def _quietly() -> Iterator[None]:
    """Suppress the messages of torch about details of the export and about optional packages."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
    logger.setLevel(level)


def _describe(model: onnx.ModelProto, run: Run, head: BaseHead) -> None:
    facts = {
        "head": run.record.training_options.head,
        "window": head.window or 0,
        "threshold": run.threshold,
        "encoder": run.encoder.name,
        "fingerprint": run.encoder.fingerprint,
    }
    onnx.helper.set_model_props(model, {name: str(value) for name, value in facts.items()})
