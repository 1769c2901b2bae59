"""`segtool report`: a page with the scores of runs and the text that was scored."""

from pathlib import Path
from typing import Annotated, Any

import typer

from segtool.completion import complete_corpora, complete_runs_and_models
from segtool.options import (
    ComputeOptions,
    JsonOption,
    SplitToScoreOption,
    WorkspaceOption,
    with_options,
)
from segtool.output import report as report_line
from segtool.output import show, shows_progress


@with_options()
def report(
    runs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="RUN",
            help="Runs, as in segtool eval, or ready models. [default: the run with the highest "
            "dev F1 on the latest corpus]",
            autocompletion=complete_runs_and_models,
        ),
    ] = None,
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="HTML file to write.")] = Path(
        "report.html"
    ),
    split: SplitToScoreOption = "dev",
    corpus: Annotated[
        str | None,
        typer.Option(
            help="Name of an embedded corpus. [default: the corpus of the runs; for ready models, "
            "the latest]",
            autocompletion=complete_corpora,
        ),
    ] = None,
    figures: Annotated[
        Path | None,
        typer.Option(help="Folder to which the charts are also written, as SVG and PNG files."),
    ] = None,
    compute: ComputeOptions,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a web page with scores, charts and the text.

    The page is one file and works offline. The command needs more packages: run pip install
    'segtool[report]'.

    Example: segtool report bilstm-w4-001 mlp-w4-001 --output report.html
    """
    from segclf.report.make import make_report
    from segclf.tasks.models import Compute
    from segclf.workspace.ready import find_model
    from segclf.workspace.runs import load_run
    from segclf.workspace.workspace import Workspace

    opened = Workspace(workspace)
    names = runs or [load_run(opened).name]
    sources = [
        (None if (opened.runs / name).exists() else find_model(name)) or load_run(opened, name)
        for name in names
    ]
    made = make_report(
        opened,
        sources,
        output,
        split=split,
        corpus_name=corpus,
        figures=figures,
        compute=Compute(compute.device, compute.threads, progress=shows_progress(as_json)),
    )
    show(made.to_dict(), _print_report, as_json)
    for reason in made.unsaved:
        report_line(f"warning: the scores were not saved: {reason}")


def _print_report(content: dict[str, Any]) -> None:
    typer.echo(f"{content['output']} ({content['bytes'] / 1e6:.1f} MB)")
