"""A head in ONNX format, run by onnxruntime without torch."""

import os
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import ArrayLike, NDArray

from segclf.corpus.layout import Layout, offsets_of
from segclf.inputs.windows import windows_of

VECTORS, WINDOWS = "vectors", "windows"
_BATCH = 4096  # sentences at a time; does not affect results


class OnnxHead:
    """A trained head.

    Args:
        path: File that `segtool export --onnx` or `segclf.integrations.onnx_export` has written.
        threads: Number of CPU threads.

    Attributes:
        threshold: Minimum probability of a boundary, chosen on dev.
        encoder: Name of the encoder whose vectors the head reads.
        fingerprint: Fingerprint of this encoder.

    Example:
        >>> head = OnnxHead("my-model/head.onnx")
        >>> head.predict(vectors) >= head.threshold
    """

    def __init__(self, path: str | os.PathLike[str], *, threads: int = 1) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3  # no warnings about lengths that differ from the example's
        self._session = onnxruntime.InferenceSession(str(Path(path)), options)
        facts = self._session.get_modelmeta().custom_metadata_map
        self._window = int(facts["window"])
        self.threshold = float(facts["threshold"])
        self.encoder = facts["encoder"]
        self.fingerprint = facts["fingerprint"]

    def predict(
        self, vectors: NDArray[np.float32], groups: ArrayLike | None = None
    ) -> NDArray[np.float32]:
        """Predict where paragraphs begin.

        Args:
            vectors: (n, d) vectors of sentences in the order of the text.
            groups: (n,) document of each sentence; None for one document.

        Returns:
            (n,) calibrated probabilities; 1 for the first sentence of a document.
        """
        vectors = np.ascontiguousarray(vectors, dtype=np.float32)
        layout = Layout.unlabelled(offsets_of(groups, len(vectors)))
        predict = self._windows if self._window else self._documents
        return layout.mark_document_starts(predict(vectors, layout))

    def _windows(self, vectors: NDArray[np.float32], layout: Layout) -> NDArray[np.float32]:
        parts = [np.zeros(0, dtype=np.float32)]
        for start in range(0, len(vectors), _BATCH):
            stop = min(start + _BATCH, len(vectors))
            windows = windows_of(layout, self._window, start, stop)
            first, last = max(start - self._window, 0), min(stop + self._window, len(vectors))
            relative = np.where(windows < 0, windows, windows - first)
            parts += self._session.run(None, {VECTORS: vectors[first:last], WINDOWS: relative})
        return np.concatenate(parts)

    def _documents(self, vectors: NDArray[np.float32], layout: Layout) -> NDArray[np.float32]:
        found = np.ones(len(vectors), dtype=np.float32)
        for start, stop in layout.documents:
            if stop - start > 1:
                (found[start + 1 : stop],) = self._session.run(None, {VECTORS: vectors[start:stop]})
        return found
