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
from segtool.output import describe_used_model, note, show, shows_progress
from segtool.output import report as report_line


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

    The page is one file and works offline. The command needs additional packages: run pip install
    'segtool[report]'.

    Example: segtool report bilstm-w4-001 mlp-w4-001 --output report.html
    """
    from segclf.report.make import make_report
    from segclf.tasks.models import Compute
    from segclf.workspace.choices import describe_choice
    from segclf.workspace.runs import Run, load_run
    from segclf.workspace.sources import load_trained
    from segclf.workspace.workspace import Workspace

    opened = Workspace(workspace)
    sources = [load_trained(opened, name) for name in runs or []]
    sources = sources or [load_run(opened, corpus_name=corpus)]
    made = make_report(
        opened,
        sources,
        output,
        split=split,
        corpus_name=corpus,
        figures=figures,
        compute=Compute(compute.device, compute.threads, progress=shows_progress(as_json)),
    )
    for source in sources:
        if isinstance(source, Run):
            chosen = None if runs else describe_choice(source)
            note(describe_used_model("run", source.name, source.threshold, chosen=chosen))
        else:
            note(describe_used_model("model", source.name, None))
    show(made.to_dict(), _print_report, as_json)
    for reason in made.unsaved:
        report_line(f"warning: the scores were not saved: {reason}")


def _print_report(content: dict[str, Any]) -> None:
    from segtool.tables.console import format_size

    typer.echo(f"{content['output']} ({format_size(content['bytes'])})")
