"""Export of a head to ONNX, for programs without torch; see `segclf.integrations.onnx_head`."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import onnx
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from embedcache import UserError
from segclf.heads.base import BaseHead, Head, row_indices
from segclf.heads.bilstm import BiLSTM
from segclf.heads.document import DocumentHead
from segclf.heads.document_bilstm import DocumentBiLSTM
from segclf.heads.local_transformer import LocalTransformer
from segclf.integrations.onnx_head import VECTORS, WINDOWS
from segclf.workspace.runs import Run

_SENTENCES = 7  # of the example with which a head is traced; other numbers work too


class _WindowHead(nn.Module):
    """The calibrated probabilities (b,) of windows (b, 2w) over s vectors (s, d)."""

    def __init__(self, head: Head, temperature: float) -> None:
        super().__init__()
        self.head, self.temperature = head, temperature

    def forward(self, vectors: Tensor, windows: Tensor) -> Tensor:
        head = self.head
        if isinstance(head, BiLSTM):  # its own recurrence cannot be exported
            rows = head.rows(vectors)
            states, _ = head.lstm(F.embedding(row_indices(windows, rows), rows))
            beside = states[:, head.window - 1 : head.window + 1].flatten(1)
            logits = head.classify(beside).squeeze(1)
        else:
            logits = head(vectors, windows)
        return torch.sigmoid(logits / self.temperature)


class _DocumentHead(nn.Module):
    """The calibrated probabilities (n - 1,) of all sentences of a document (n, d) but the first."""

    def __init__(self, head: DocumentHead, temperature: float) -> None:
        super().__init__()
        self.head, self.temperature = head, temperature

    def forward(self, vectors: Tensor) -> Tensor:
        head = self.head
        projected = head.project_vectors(vectors)[None]
        if isinstance(head, DocumentBiLSTM):
            states, _ = head.lstm(projected)
        else:
            states = head.encode(projected, torch.ones_like(projected[..., 0], dtype=torch.bool))
        logits = head.classify(torch.cat([states[0, :-1], states[0, 1:]], dim=1)).squeeze(1)
        return torch.sigmoid(logits / self.temperature)


def exportable_head(run: Run) -> BaseHead:
    """Load the head of a run.

    Raises:
        UserError: The run has no head, or a head that cannot be exported: one that reads words, or
            whose attention is cut into blocks.
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
        module: nn.Module = _WindowHead(head, run.temperature)
        inputs = {VECTORS: vectors, WINDOWS: torch.zeros(3, 2 * head.window, dtype=torch.int64)}
    else:
        assert isinstance(head, DocumentHead)  # noqa: S101 all other heads are
        module, inputs = _DocumentHead(head, run.temperature), {VECTORS: vectors}
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
    assert program is not None  # noqa: S101 it is None only with the earlier exporter
    model = program.model_proto
    _describe(model, run, head)
    onnx.save(model, path)
    return path


@contextmanager
def _quietly() -> Iterator[None]:
    """Suppress what torch says about details of the export and about packages it does not need."""
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
