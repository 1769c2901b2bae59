"""Commands about runs that are there and about corpora: sweep, runs, compare, export, stats."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from segtool.options import (
    BoundaryOption,
    CorpusOption,
    DeviceOption,
    FormatOption,
    HeadDeviceOption,
    HeadThreadsOption,
    JsonOption,
    LanguageOption,
    SentencesOption,
    SplitOption,
    ThreadsOption,
    WorkspaceOption,
    show,
)


def sweep(
    experiment: Annotated[
        Path | None,
        typer.Argument(
            help="A TOML file of a corpus and grids; the options then select among its trials."
        ),
    ] = None,
    head: Annotated[
        str | None, typer.Option("--head", "--heads", help="Default mlp,bilstm,transformer.")
    ] = None,
    window: Annotated[str | None, typer.Option("--window", "--windows", help="As 1,2,4.")] = None,
    loss: Annotated[
        str | None, typer.Option("--loss", "--losses", help="As cross-entropy,balanced,focal.")
    ] = None,
    gamma: Annotated[
        str | None, typer.Option("--gamma", "--gammas", help="Of the focal loss, as 0.5,1,2,5.")
    ] = None,
    learning_rate: Annotated[
        str | None, typer.Option("--learning-rate", "--learning-rates", help="As 3e-4,1e-3.")
    ] = None,
    encoder: Annotated[
        str | None, typer.Option("--encoder", "--encoders", help="That embedded the corpus.")
    ] = None,
    seed: Annotated[
        str | None, typer.Option("--seed", "--seeds", help="As 0,1,2 or 0-4, the default.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="Any other option of training, as epochs=4,8."),
    ] = None,
    corpus: CorpusOption = None,
    jobs: Annotated[
        int | None, typer.Option(help="Runs at once; by default one a core, on a GPU one.")
    ] = None,
    device: HeadDeviceOption = "cpu",
    threads: HeadThreadsOption = 1,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Train a grid of settings on all cores, skip what is done, and rank it by dev F1.

    Example: segtool sweep --head mlp,bilstm --window 2,4 --seed 0-4
    """
    from segclf.experiments.grids import Experiment, expand, given_values, read_experiment, select
    from segclf.experiments.sweeps import embed_experiment, report
    from segclf.experiments.sweeps import sweep as run_sweep
    from segclf.workspace.workspace import Workspace
    from segtool.tables.many import print_sweep

    place = Workspace(workspace)
    given = given_values(
        {
            "head": head,
            "window": window,
            "loss": loss,
            "gamma": gamma,
            "learning_rate": learning_rate,
            "encoder": encoder,
            "seed": seed,
        },
        settings or [],
    )
    plan = read_experiment(experiment) if experiment else Experiment({}, expand(given))
    trials = select(plan.trials, given)
    outcomes = run_sweep(
        place,
        trials,
        corpus_name=embed_experiment(plan, trials, place, corpus_name=corpus, progress=not as_json),
        jobs=jobs,
        device=device,
        threads=threads,
        progress=not as_json,
    )
    content = report(outcomes)
    show(content, print_sweep, as_json)
    if content["failed"]:
        raise typer.Exit(1)


def runs(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """List the runs with their scores, the latest last.

    Example: segtool runs --json
    """
    from segclf.experiments.leaderboard import run_row
    from segclf.workspace.runs import list_runs
    from segclf.workspace.workspace import Workspace
    from segtool.tables.many import print_runs

    rows = [run_row(run) for run in list_runs(Workspace(workspace))]
    show({"runs": rows}, print_runs, as_json)


def compare(
    first: Annotated[str, typer.Argument(help="A run.")],
    second: Annotated[str, typer.Argument(help="Another run on the same corpus.")],
    split: Annotated[
        Literal["train", "dev", "test"], typer.Option(help="What to compare on.")
    ] = "test",
    device: DeviceOption = None,
    threads: ThreadsOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say how much better one run is than another, with a paired bootstrap interval.

    Example: segtool compare bilstm-w4-001 mlp-w4-001
    """
    from segclf.experiments.comparison import compare as compare_runs
    from segclf.workspace.runs import load_run
    from segclf.workspace.workspace import Workspace
    from segtool.tables.many import print_comparison

    place = Workspace(workspace)
    pair = load_run(place, first), load_run(place, second)
    comparison = compare_runs(place, *pair, split=split, device=device, threads=threads)
    show(comparison.to_dict(), print_comparison, as_json)


def export(
    run: Annotated[str, typer.Argument(help="A run.")],
    directory: Annotated[Path, typer.Argument(help="A new folder.")],
    with_encoder: Annotated[
        bool,
        typer.Option("--with-encoder", help="Copy the encoder's model too: no download is needed."),
    ] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Copy a run into a folder to hand on: weights, configuration and a model card.

    Example: segtool export bilstm-w4-001 my-model && segtool segment new.txt --run my-model
    """
    from segclf.tasks.export import export as export_run
    from segclf.workspace.runs import load_run
    from segclf.workspace.workspace import Workspace

    place = Workspace(workspace)
    made = export_run(load_run(place, run), directory, place, with_encoder=with_encoder)
    show({"directory": str(made)}, lambda content: typer.echo(content["directory"]), as_json)


def stats(
    corpus: Annotated[
        str | None,
        typer.Argument(help="An embedded corpus by name, default the latest, or a path."),
    ] = None,
    workspace: WorkspaceOption = None,
    format_name: FormatOption = "auto",
    boundary: BoundaryOption = "auto",
    sentences: SentencesOption = "sentencex",
    language: LanguageOption = None,
    split: SplitOption = None,
    as_json: JsonOption = False,
) -> None:
    """Count sentences, boundaries, lengths, duplicates and stored vectors.

    The options say how to read a path.

    Example: segtool stats novels/ --boundary indent
    """
    from segclf.corpus import ReadOptions
    from segclf.corpus.statistics import corpus_statistics
    from segclf.tasks.statistics import encoder_statistics, find_corpus
    from segclf.workspace.workspace import Workspace
    from segtool.tables.single import print_statistics

    place = Workspace(workspace)
    name, found, embedded_by = find_corpus(
        corpus,
        place,
        options=ReadOptions(boundary, sentences, language),
        format_name=format_name,
        split=split,
    )
    content = {
        "corpus": name,
        "splits": corpus_statistics(found),
        "encoders": encoder_statistics(embedded_by, place),
    }
    show(content, print_statistics, as_json)
