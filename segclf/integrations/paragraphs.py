"""Finds the paragraphs of a text, for libraries that split texts."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from itertools import accumulate
from typing import Any

from embedcache.hashing import fingerprint_of
from segclf.tasks.models import Compute
from segclf.tasks.segment import Segmenter
from segclf.tasks.segment_options import SegmentOptions
from segclf.workspace.ready import ReadyModel, list_models
from segclf.workspace.runs import Run
from segclf.workspace.sources import load_trained
from segclf.workspace.workspace import Workspace


class ParagraphFinder:
    """Finds the paragraphs of texts, and loads each model only once.

    A heading counts as a paragraph, and so does a line of dialogue, if the model distinguishes
    lines from paragraphs.

    A finder can be copied and pickled, for use in other processes. A copy loads its models itself.

    Args:
        model: Name of a ready model or of a run, or folder of an exported run. If None, each text
            is split by the ready model for its language.
        workspace: Folder of the workspace that contains the runs and the store of sentence vectors;
            None for the default workspace.
        options: Options for finding the paragraphs. By default, existing paragraphs are ignored.
        device: Device of the encoder and the model; None for the fastest device, except that a
            head uses the CPU.
        threads: Number of CPU threads; None for the number of cores for the encoder, and 1 for a
            head.

    Attributes:
        settings: JSON-serializable arguments by name.

    Raises:
        UserError: There is no such model or run, or it is damaged.
    """

    def __init__(
        self,
        model: str | None = None,
        workspace: str | os.PathLike[str] | None = None,
        options: SegmentOptions | None = None,
        *,
        device: str | None = None,
        threads: int | None = None,
    ) -> None:
        opened = Workspace(workspace)
        found = load_trained(opened, model) if model else None
        self._models: Sequence[Run | ReadyModel] = [found] if found else list_models()
        self._segmenter = Segmenter(opened, found, Compute(device, threads))
        self._options = options or SegmentOptions(layout="ignore")
        self.settings: dict[str, Any] = {
            "model": model,
            "workspace": None if workspace is None else os.fspath(workspace),
            "options": asdict(self._options),
            "device": device,
            "threads": threads,
        }

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> "ParagraphFinder":
        """Make a finder from the `settings` of another one.

        Raises:
            UserError: Same as for the class.
        """
        return cls(**{**settings, "options": SegmentOptions(**settings["options"])})

    def __reduce__(self) -> tuple[Callable[..., "ParagraphFinder"], tuple[dict[str, Any]]]:
        return self.from_settings, (self.settings,)

    @property
    def fingerprint(self) -> str:
        """Hash of what the paragraphs depend on in addition to the `settings`, for caches.

        It covers the encoder, the weights, the thresholds and the temperatures of the model, or of
        all ready models.
        """
        heads = [
            [run.encoder.fingerprint, run.record.weights, run.threshold, run.temperature]
            for model in self._models
            for run in model.runs.values()
        ]
        ready = [model.thresholds for model in self._models if isinstance(model, ReadyModel)]
        return fingerprint_of({"heads": heads, "thresholds": ready})

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Return the start and end offsets, in characters, of each paragraph.

        Whitespace around a paragraph is not part of it. A blank text has no paragraphs.

        Raises:
            UserError: The model cannot be loaded, or the number of paragraphs in the options does
                not fit the text.
        """
        if not text.strip():
            return []
        parts = self._segmenter.segment(text, self._options).paragraphs()
        ends = list(accumulate(map(len, parts)))
        spans = [
            (end - len(part.lstrip()), end - len(part) + len(part.rstrip()))
            for part, end in zip(parts, ends, strict=True)
        ]
        return [(start, end) for start, end in spans if start < end]

    def split(self, text: str) -> list[str]:
        """Return the paragraphs, without surrounding whitespace.

        Raises:
            UserError: See `spans`.
        """
        return [text[start:end] for start, end in self.spans(text)]
