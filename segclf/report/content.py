"""The content of a report's page, as JSON: the text, its boundaries, and the probabilities."""

import base64
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segclf.corpus import BoundaryType, Corpus
from segclf.corpus.layout import Layout
from segclf.report.series import MAX_LENGTH
from segclf.report.systems import System, has_lines
from segclf.scoring.metrics import window_size


def page_content(part: Corpus, systems: list[System], main_type: BoundaryType) -> dict[str, Any]:
    """Return what the scripts of the page read.

    Arrays of n numbers are strings, since browsers parse these faster than lists: labels are n
    digits, and probabilities are float32 in base64, so that a page compares the same numbers with a
    threshold as `segclf.scoring.decoding.decode`.

    Args:
        part: The split that was scored, with n sentences.
        systems: The scored runs and models.
        main_type: Type of boundary that all systems predict.

    Returns:
        `sentences`; `documents`: `name`, `group` (see `folders_of`), `start` and `stop` of each
        document that is not empty; `types`: for each type of boundary, its `labels` and the
        `windows` of Pk, one for each of these documents; `kinds`: the typed labels (0 for no
        boundary, 1 for a line, 2 for a paragraph), or None if the corpus has no lines (see
        `has_lines`); `systems`: for each system `name`, `is_run`, `types` and, in `heads`, the
        `probabilities` of each head and its `thresholds`, one for each of these documents;
        `main_type`; `longest`: the length at which the chart of lengths ends.
    """
    documents = part.layout.documents
    folders = folders_of(part.document_ids)
    layouts = {name: result.layout for system in systems for name, result in system.types.items()}
    return {
        "sentences": part.sentences,
        "documents": [
            {"name": name, "group": folder, "start": start, "stop": stop}
            for name, folder, (start, stop) in zip(
                part.document_ids, folders, documents, strict=True
            )
            if stop > start
        ],
        "types": {name: _type_content(layout) for name, layout in layouts.items()},
        "kinds": _digits(part.types) if has_lines(part) else None,
        "systems": [_system_content(system, part.layout) for system in systems],
        "main_type": main_type,
        "longest": MAX_LENGTH,
    }


def folders_of(document_ids: list[str]) -> list[str]:
    """Return the folder of each document, such as that of an author, or else its own name.

    The names are returned if all documents are in the same folder, or if one is in no folder.
    """
    folders = [name.rpartition("/")[0] for name in document_ids]
    return folders if len(set(folders)) > 1 and all(folders) else list(document_ids)


def _type_content(layout: Layout) -> dict[str, Any]:
    return {
        "labels": _digits(layout.labels),
        "windows": [
            window_size(layout.labels[start:stop])
            for start, stop in layout.documents
            if stop > start
        ],
    }


def _system_content(system: System, layout: Layout) -> dict[str, Any]:
    filled = np.diff(layout.offsets) > 0
    return {
        "name": system.name,
        "is_run": system.is_run,
        "types": list(system.types),
        "heads": {
            name: {
                "probabilities": _base64(probabilities),
                "thresholds": np.array(system.thresholds[name])[filled].tolist(),
            }
            for name, probabilities in system.heads.items()
        },
    }


def _digits(values: NDArray[np.bool_] | NDArray[np.int8]) -> str:
    """Return small numbers (n,) as a string of n digits."""
    return (values.astype(np.uint8) + ord("0")).tobytes().decode("ascii")


def _base64(probabilities: NDArray[np.float32]) -> str:
    return base64.b64encode(probabilities.astype("<f4").tobytes()).decode("ascii")
