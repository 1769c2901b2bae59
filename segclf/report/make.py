"""Reports of runs and ready models: a page, and its charts as files."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from embedcache.files import write_bytes
from embedcache.packages import check_installed
from segclf.corpus import Split
from segclf.report.groups import group_by_seed
from segclf.report.systems import main_type_of, score_systems
from segclf.tasks.evaluation import select_split
from segclf.tasks.models import Compute
from segclf.workspace.ready import ReadyModel
from segclf.workspace.runs import Run
from segclf.workspace.workspace import Workspace

_PACKAGES = {"altair": "altair", "vl_convert": "vl-convert-python"}


@dataclass(frozen=True)
class Report:
    """A report on disk.

    Attributes:
        path: Path of the page.
        bytes: Size of the page in bytes.
        corpus: Name of the corpus.
        split: Split that was scored.
        runs: Names of the runs and models.
        figures: Paths of the charts that were written as files.
        unsaved: Reasons why scores could not be saved in the folders of runs.
    """

    path: Path
    bytes: int
    corpus: str
    split: Split
    runs: tuple[str, ...]
    figures: tuple[Path, ...]
    unsaved: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the content of `segtool report --json`."""
        return {
            "output": str(self.path),
            "bytes": self.bytes,
            "corpus": self.corpus,
            "split": self.split,
            "runs": list(self.runs),
            "figures": [str(path) for path in self.figures],
        }


def make_report(
    workspace: Workspace,
    sources: Sequence[Run | ReadyModel],
    output: Path,
    *,
    split: Split = "dev",
    corpus_name: str | None = None,
    figures: Path | None = None,
    compute: Compute | None = None,
) -> Report:
    """Write a page with the scores, the charts and the text of a split.

    Args:
        workspace: Workspace with the corpus and its vectors.
        sources: Runs and ready models, at least one; see `segclf.report.systems.score_systems`.
        output: HTML file to write.
        split: Split to show.
        corpus_name: Name of the corpus; see `score_systems`.
        figures: Folder to which the charts are written as SVG and PNG files; None to write only
            the page.
        compute: Device, threads and progress display; None for the defaults.

    Raises:
        UserError: A package of the extra `report` is missing, or the systems cannot be scored; see
            `score_systems`.
        StoreError: The store lacks the vectors.
        OSError: A file cannot be written.
    """
    check_installed("a report", "report", _PACKAGES)
    from segclf.report.charts import make_figures
    from segclf.report.drawings import write_drawings
    from segclf.report.page import render_page

    stored, systems = score_systems(
        workspace, sources, split=split, corpus_name=corpus_name, compute=compute or Compute()
    )
    main_type = main_type_of(sources)
    groups = group_by_seed(systems)
    drawn = make_figures(groups, main_type)
    part = select_split(stored, split, main_type)
    page = render_page(stored, part, split, groups, drawn, main_type)
    data = page.encode(errors="replace")  # a folder may have a name that is not UTF-8
    write_bytes(output, data)
    return Report(
        path=output,
        bytes=len(data),
        corpus=stored.name,
        split=split,
        runs=tuple(system.name for system in systems),
        figures=tuple(write_drawings(drawn, figures)) if figures else (),
        unsaved=tuple(
            reason
            for system in systems
            for result in system.types.values()
            if (reason := result.evaluation.unsaved)
        ),
    )
