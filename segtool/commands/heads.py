"""Commands on heads: train, eval and export."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from embedcache.encoders import Pooling
from segclf.training.options import TrainingOptions
from segtool.completion import (
    complete_corpora,
    complete_encoders,
    complete_runs,
    complete_runs_and_models,
)
from segtool.options import (
    RUN_HELP,
    ComputeOptions,
    CorpusOption,
    EngineOptions,
    HeadComputeOptions,
    JsonOption,
    LogToOption,
    SplitToScoreOption,
    WorkspaceOption,
    given_options,
    with_options,
)
from segtool.output import (
    describe_used_model,
    ignore,
    note,
    report,
    run_logger,
    show,
    shows_progress,
)

if TYPE_CHECKING:
    from segclf.tasks.evaluation import Evaluation
    from segclf.workspace.ready import ReadyModel
    from segclf.workspace.runs import Run
    from segclf.workspace.workspace import Workspace


@dataclass(frozen=True)
class WorkersOptions(EngineOptions):
    """Machines and processes that train a head.

    Attributes:
        workers: Number of processes of --engine ray that train the head together. [default: one on
            each machine]
    """

    workers: int | None = None


@with_options(boundary_type="--type")
def train(
    invocation: typer.Context,
    *,
    options: TrainingOptions,
    start: Annotated[
        str | None,
        typer.Option(
            "--from",
            help="Ready model or run from whose weights training starts. The head and its window "
            "are those of the model. [default: random weights]",
            autocompletion=complete_runs_and_models,
        ),
    ] = None,
    corpus: CorpusOption = None,
    encoder: Annotated[
        str | None,
        typer.Option(
            help="Encoder used to embed the corpus. [default: the latest]",
            autocompletion=complete_encoders,
        ),
    ] = None,
    pooling: Annotated[
        Pooling | None,
        typer.Option(
            help="Pooling of the encoder. Required if the corpus was embedded with several "
            "poolings of the encoder that --encoder names."
        ),
    ] = None,
    compute: HeadComputeOptions,
    cluster: WorkersOptions,
    log_to: LogToOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Train a head. The epoch and the threshold are chosen on the dev split.

    With --from, the weights change only if training improves the F1 on dev; the smaller the dev
    split, the less the threshold changes.

    Example: segtool train --head transformer --window 2 --loss focal
    """
    from segclf.tasks.train import options_from, suggest_start
    from segclf.workspace.sources import load_trained
    from segclf.workspace.workspace import Workspace
    from segtool.tables.training import print_epoch, print_run

    log = run_logger(log_to)
    opened = Workspace(workspace)
    if start is not None:
        given = given_options(
            invocation, TrainingOptions, ignored_in_file=("head", "window", "reach", "crop")
        )
        options = options_from(opened, start, given)
    run = _training_function(cluster, progress=shows_progress(as_json))(
        opened,
        options,
        start=start,
        corpus_name=corpus,
        encoder_name=encoder,
        pooling=pooling,
        device=compute.device,
        threads=compute.threads,
        memory=compute.memory,
        on_epoch=print_epoch if shows_progress(as_json) else ignore,
    )
    show(run.to_dict(), print_run, as_json)
    if start is not None:
        _warn_of_language(load_trained(opened, start), run.record.text_language)
    if model := suggest_start(opened, run):
        boundary_type = run.record.boundary_type
        type_option = "" if boundary_type == "any" else f" --type {boundary_type}"
        note(
            f"hint: with so little text, training from a ready model usually gives higher scores: "
            f"segtool train --from {model}{type_option}"
        )
    log([run], opened)


def _training_function(cluster: WorkersOptions, *, progress: bool) -> "Callable[..., Run]":
    if cluster.engine == "local":
        from segclf.tasks.train import train as train_head

        return partial(train_head, progress=progress)
    from segclf.tasks.train_on_cluster import train_on_cluster

    return partial(train_on_cluster, address=cluster.address, workers=cluster.workers)


@with_options()
def evaluate(
    run: Annotated[
        str | None,
        typer.Argument(
            help="Name of a run, the beginning of its name, or its number in the output of segtool "
            "runs; or name of a ready model. [default: the run with the highest dev F1 on the "
            "latest corpus]",
            autocompletion=complete_runs_and_models,
        ),
    ] = None,
    *,
    split: SplitToScoreOption = "test",
    corpus: Annotated[
        str | None,
        typer.Option(
            help="Name of an embedded corpus. [default: the corpus of the run; for a ready model, "
            "the latest]",
            autocompletion=complete_corpora,
        ),
    ] = None,
    boundary_type: Annotated[
        Literal["any", "line", "paragraph"] | None,
        typer.Option(
            "--type",
            help="Type of boundary to score, for ready models and for runs that distinguish "
            "paragraphs from lines. [default: any; for other runs, the type that they predict]",
        ),
    ] = None,
    compute: ComputeOptions,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Evaluate a run or a ready model, and compare it with baselines.

    Example: segtool eval bilstm-w4-001 --split dev
    """
    from segclf.tasks.evaluate import evaluate as evaluate_run
    from segclf.tasks.evaluate_model import evaluate_model
    from segclf.tasks.models import Compute
    from segclf.workspace.choices import describe_choice
    from segclf.workspace.ready import ReadyModel
    from segclf.workspace.runs import Run, load_run
    from segclf.workspace.sources import check_type, load_trained
    from segclf.workspace.workspace import Workspace
    from segtool.tables.evaluation import print_evaluation

    opened = Workspace(workspace)
    found = load_trained(opened, run) if run else load_run(opened, corpus_name=corpus)
    settings = Compute(compute.device, compute.threads, progress=shows_progress(as_json))
    if isinstance(found, Run):
        check_type(found, boundary_type)
    if isinstance(found, ReadyModel) or found.is_typed:
        scored = evaluate_model(opened, found, split=split, corpus_name=corpus, compute=settings)
        wanted = boundary_type or "any"
        evaluation, content = scored.types[wanted], scored.to_dict(wanted)
    else:
        evaluation = evaluate_run(
            opened,
            found,
            split=split,
            corpus_name=corpus,
            device=settings.device,
            threads=settings.threads,
            progress=settings.progress,
        )
        content = evaluation.to_dict()
    kind = "model" if isinstance(found, ReadyModel) else "run"
    chosen = None if run or isinstance(found, ReadyModel) else describe_choice(found)
    note(describe_used_model(kind, found.name, content["threshold"], chosen=chosen))
    show(content, print_evaluation, as_json)
    _warn(evaluation, found, opened)
    if evaluation.unsaved:
        report(f"warning: the scores were not saved: {evaluation.unsaved}")


def _warn(evaluation: "Evaluation", model: "Run | ReadyModel", workspace: "Workspace") -> None:
    """Warn of few boundaries, and of a language on which the model was not trained.

    The language is compared only if the text is not the one on which the model was trained.
    """
    from segclf.corpus.statistics import few_boundaries_warning

    if few := few_boundaries_warning(evaluation.split, evaluation.boundaries):
        report(f"warning: {few}")
    if evaluation.corpus_digest != evaluation.run.record.corpus_digest:
        _warn_of_language(model, workspace.load_corpus(evaluation.corpus).text_language)


def _warn_of_language(model: "Run | ReadyModel", language: str | None) -> None:
    from segclf.corpus.languages import language_warning

    if warning := language_warning(model.name, model.languages, language):
        report(f"warning: {warning}")


def export(
    run: Annotated[str, typer.Argument(help=RUN_HELP, autocompletion=complete_runs)],
    directory: Annotated[Path, typer.Argument(help="Folder to create.")],
    with_encoder: Annotated[
        bool,
        typer.Option(
            "--with-encoder", help="Copy the encoder too, so that no download is needed later."
        ),
    ] = False,
    with_onnx: Annotated[
        bool,
        typer.Option("--onnx", help="Also write head.onnx, which runs without PyTorch."),
    ] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Export a run to a folder: weights, configuration and model card.

    Example: segtool export bilstm-w4-001 my-model && segtool segment new.txt --run my-model
    """
    from segclf.tasks.export import export as export_run
    from segclf.workspace.runs import load_run
    from segclf.workspace.workspace import Workspace

    opened = Workspace(workspace)
    chosen = load_run(opened, run)
    made = export_run(
        chosen,
        directory,
        opened,
        with_encoder=with_encoder,
        write_more=_onnx_writer(chosen) if with_onnx else None,
        progress=shows_progress(as_json),
    )
    note(describe_used_model("run", chosen.name, chosen.threshold))
    show({"directory": str(made)}, lambda content: typer.echo(content["directory"]), as_json)


def _onnx_writer(run: "Run") -> "Callable[[Run, Path], object]":
    """Return a function that writes the ONNX file of a run.

    Raises:
        UserError: A package is missing, the run has no head, or its weights are damaged.
    """
    from embedcache.packages import check_installed

    packages = ("onnx", "onnxruntime", "onnxscript")
    check_installed("--onnx", "onnx", {name: name for name in packages})
    run.load_head()  # refuses a fine-tuned run before anything is written
    from segclf.integrations.onnx_export import export_onnx

    return lambda part, folder: export_onnx(part, folder / "head.onnx")
