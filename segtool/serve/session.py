"""The models and the workspace of a server, which does one computation at a time."""

import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from embedcache import UserError
from segclf.tasks.adapt import Adaptation, CorrectedText, adapt
from segclf.tasks.leave_out import Explanation, leave_out
from segclf.tasks.models import Compute
from segclf.tasks.read_text import ReadText
from segclf.tasks.segment import Segmenter
from segclf.tasks.segment_options import SegmentOptions
from segclf.tasks.segmentation import Segmentation
from segclf.workspace.ready import ReadyModel, list_models
from segclf.workspace.runs import Run, list_runs
from segclf.workspace.workspace import Workspace

PART = 128  # number of sentences that are predicted at a time
_MAX_SEGMENTERS = 3  # that are kept in memory, with the models that they have loaded


class Session:
    """The models and the workspace of a server.

    Args:
        workspace: Workspace whose runs can be chosen. If it does not exist when a model is adapted,
            a temporary one takes its place.
        compute: Device and number of threads.
        seconds: Maximum time of a request, in seconds.

    Attributes:
        workspace: The workspace.
        is_temporary: Whether the workspace is a temporary folder.
        stopping: Event that is set when the server has to stop, so that running requests end soon.
    """

    def __init__(self, workspace: Workspace, compute: Compute, seconds: float) -> None:
        self.workspace = workspace
        self.is_temporary = False
        self.stopping = threading.Event()
        self._compute = compute
        self._seconds = seconds
        self._segmenters: dict[tuple[str | None, bool], Segmenter] = {}
        self._computing = threading.Lock()

    def models(self) -> list[Run | ReadyModel]:
        """List the ready models, and the runs of the workspace, latest first."""
        return [*list_models(), *reversed(list_runs(self.workspace))]

    def read(
        self, text: str, model: str | None, options: SegmentOptions, *, fast: bool = False
    ) -> ReadText:
        """Find the sentences of a text and load its model.

        Raises:
            UserError: There is no such model, it cannot be loaded, `fast` is True although a model
                is given, or the text has no sentences.
        """
        if fast and model is not None:
            raise UserError(f"fast has no effect on the model {model}: leave out one of them")
        with self._computing:
            return self._segmenter(model, fast=fast).read(text, options)

    def segment(self, read: ReadText) -> Iterator[Segmentation]:
        """Find the paragraphs of a text, in parts unless the options concern the whole text.

        Raises:
            UserError: The request takes too long, the server was stopped, or the options do not fit
                the text.
        """
        check = self._checker()
        if read.options.is_limited or read.options.paragraphs is not None:
            with self._computing:
                whole = read.segment()
            yield whole  # without the lock, as the client may be slow
            return
        parts = read.parts(PART)
        while True:
            check()
            with self._computing:
                part = next(parts, None)
            if part is None:
                return
            yield part

    def explain(
        self, sentences: Sequence[str], position: int, model: str | None, language: str | None
    ) -> Explanation:
        """Predict a boundary without each of the sentences around it; see `leave_out`.

        Raises:
            UserError: There is no such model, or it cannot be loaded.
        """
        with self._computing:
            loaded = self._segmenter(model).load("\n".join(sentences), language)
            return leave_out(loaded, sentences, position)

    def adapt(
        self, texts: Sequence[CorrectedText], model: str | None, language: str | None
    ) -> Adaptation:
        """Train from a model on corrected texts; see `segclf.tasks.adapt.adapt`.

        Raises:
            UserError: There is no such model, it cannot be loaded or trained on the texts, the
                request takes too long, or the server was stopped.
        """
        check = self._checker()
        with self._computing:
            beginning = "\n".join(texts[0].sentences)
            loaded = self._segmenter(model).load(beginning, language)
            return adapt(self._writable_workspace(), loaded, texts, check)

    def _segmenter(self, name: str | None, *, fast: bool = False) -> Segmenter:
        """Return the segmenter of a model, or of the ready models if the name is None."""
        # a name from a request is compared with those that exist, and never used as a path
        known = {model.name: model for model in self.models()}
        if name is not None and name not in known:
            raise UserError(f"no model {name!r}; existing models: {', '.join(known)}")
        chosen = known[name] if name is not None else None
        segmenter = self._segmenters.pop((name, fast), None)
        if segmenter is None or segmenter.model != chosen:  # a run of this name was replaced
            segmenter = Segmenter(self.workspace, chosen, self._compute, fast=fast)
        self._segmenters[name, fast] = segmenter  # now the latest
        while len(self._segmenters) > _MAX_SEGMENTERS:
            del self._segmenters[next(iter(self._segmenters))]
        return segmenter

    def _writable_workspace(self) -> Workspace:
        if not self.workspace.path.exists():
            self.workspace = Workspace(Path(tempfile.mkdtemp(prefix="segtool-serve-")))
            self.is_temporary = True
        return self.workspace

    def _checker(self) -> Callable[[], None]:
        """Return a function that raises UserError when the request has to end."""
        end = time.monotonic() + self._seconds

        def check() -> None:
            if self.stopping.is_set():
                raise UserError("the server was stopped")
            if time.monotonic() > end:
                raise UserError(
                    f"this takes longer than {self._seconds:.0f} seconds: use the command line"
                )

        return check
