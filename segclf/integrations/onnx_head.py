"""A head in ONNX format, run by onnxruntime without torch."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import ArrayLike, NDArray

from segclf.corpus.layout import Layout, offsets_of
from segclf.inputs.examples import Examples
from segclf.inputs.windows import windows_of

VECTORS, WINDOWS = "vectors", "windows"
WORDS, TABLE = "words", "table"  # of a head that reads words
INSIDE = "inside"  # of a head that reads a document in blocks
_BATCH = 4096  # candidates at a time; does not affect results


class OnnxHead:
    """A trained head in an ONNX file.

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
        options.log_severity_level = 3  # no warnings about lengths other than those of the example
        self._session = onnxruntime.InferenceSession(str(Path(path)), options)
        facts = self._session.get_modelmeta().custom_metadata_map
        self._window = int(facts["window"])
        self._block = int(facts.get("block", 0))  # missing in files of early versions
        self.threshold = float(facts["threshold"])
        self.encoder = facts["encoder"]
        self.fingerprint = facts["fingerprint"]

    def predict(
        self,
        vectors: NDArray[np.float32] | NDArray[np.int32],
        groups: ArrayLike | None = None,
        table: NDArray[np.float32] | None = None,
    ) -> NDArray[np.float32]:
        """Predict where paragraphs begin.

        Args:
            vectors: (n, d) vectors of sentences in the order of the text. For a head that reads
                words, (n, l) row of the table for each word, padded with -1.
            groups: (n,) document of each sentence; None for one document.
            table: (v, d) vectors of words, such as `Encoder.token_vectors`, for a head that reads
                words; None for other heads.

        Returns:
            (n,) float32, the calibrated probability that each sentence begins a paragraph; 1 for
            the first sentence of a document.

        Raises:
            ValueError: `groups` does not have n elements, or the sentences of a document are not
                consecutive.
        """
        layout = Layout.unlabelled(offsets_of(groups, len(vectors)))
        if table is not None:
            examples = Examples.of_words(vectors, table, layout)
        else:
            examples = Examples(np.ascontiguousarray(vectors, dtype=np.float32), layout)
        predict = self._windows if self._window else self._documents
        return layout.mark_document_starts(predict(examples))

    def _windows(self, examples: Examples) -> NDArray[np.float32]:
        n = len(examples.layout)
        parts = [np.zeros(0, dtype=np.float32)]
        for start in range(0, n, _BATCH):
            stop = min(start + _BATCH, n)
            windows = windows_of(examples.layout, self._window, start, stop)
            first, last = max(start - self._window, 0), min(stop + self._window, n)
            relative = np.where(windows < 0, windows, windows - first)
            sentences = _sentences(examples.vectors[first:last], examples.table)
            parts += self._session.run(None, {**sentences, WINDOWS: relative})
        return np.concatenate(parts)

    def _documents(self, examples: Examples) -> NDArray[np.float32]:
        found = np.ones(len(examples.layout), dtype=np.float32)
        for start, stop in examples.layout.documents:
            if stop - start > 1:
                inputs = self._document(examples.vectors[start:stop])
                (probabilities,) = self._session.run(None, inputs)
                found[start + 1 : stop] = probabilities[: stop - start - 1]
        return found

    def _document(self, vectors: NDArray[np.float32]) -> dict[str, NDArray[Any]]:
        """Return the inputs for a document (n, d), in blocks if the head reads blocks."""
        if not self._block:
            return {VECTORS: vectors}
        n, dim = vectors.shape
        padded = np.pad(vectors, ((0, -n % self._block), (0, 0)))
        inside = np.arange(len(padded)) < n
        return {
            VECTORS: padded.reshape(-1, self._block, dim),
            INSIDE: inside.reshape(-1, self._block),
        }


def _sentences(vectors: NDArray[Any], table: NDArray[np.float32] | None) -> dict[str, NDArray[Any]]:
    """Return the inputs for sentences (s, d), or for words (s, l) and their table (u + 1, d)."""
    if table is None:
        return {VECTORS: vectors}
    longest = max(int((vectors >= 0).sum(axis=1).max()), 1)
    # the modulus turns -1 into the last row, that of the padding
    return {WORDS: vectors[:, :longest].astype(np.int64) % len(table), TABLE: table}
