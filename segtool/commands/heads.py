"""Commands on heads: train, eval, segment and export."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer

from segclf.training.options import TrainingOptions
from segtool.options import (
    ComputeOptions,
    CorpusOption,
    HeadComputeOptions,
    JsonOption,
    PoolingName,
    SplitToScoreOption,
    WorkspaceOption,
    with_options,
)
from segtool.output import encode_like, ignore, report, show


@dataclass(frozen=True)
class ParagraphOptions:
    """How to choose the boundaries of paragraphs.

    Attributes:
        threshold: Minimum probability of a boundary. [default: chosen on the dev split]
        paragraphs: Exact number of paragraphs. The text is split at the most probable boundaries.
        min_length: Minimum number of sentences in a paragraph. The last paragraph may be shorter.
        max_length: Maximum number of sentences in a paragraph. [default: no limit]
    """

    threshold: float | None = None
    paragraphs: int | None = None
    min_length: int = 1
    max_length: int | None = None


@dataclass(frozen=True)
class WritingOptions:
    """How and where to write a segmented text.

    Attributes:
        format: text: the text with a blank line between paragraphs; json: the sentences with
            their probabilities.
        output: File to write. [default: standard output]
        as_json: Same as --format json.
    """

    format: Literal["text", "json"] = "text"
    output: Path | None = None
    as_json: bool = False


@with_options()
def train(
    *,
    options: TrainingOptions,
    corpus: CorpusOption = None,
    encoder: Annotated[
        str | None,
        typer.Option(help="Encoder used to embed the corpus. [default: the latest]"),
    ] = None,
    pooling: Annotated[
        PoolingName | None,
        typer.Option(
            help="Pooling of the encoder. Needed if the corpus was embedded with several poolings "
            "of that encoder."
        ),
    ] = None,
    compute: HeadComputeOptions,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Train a head. The epoch and the threshold are chosen on the dev split.

    Example: segtool train --head transformer --window 2 --loss focal
    """
    from segclf.tasks.train import train as train_head
    from segclf.workspace.workspace import Workspace
    from segtool.tables.training import print_epoch, print_run

    run = train_head(
        Workspace(workspace),
        options,
        corpus_name=corpus,
        encoder_name=encoder,
        pooling=pooling,
        device=compute.device,
        threads=compute.threads,
        on_epoch=ignore if as_json else print_epoch,
    )
    show(run.to_dict(), print_run, as_json)


@with_options()
def evaluate(
    run: Annotated[str | None, typer.Argument(help="Name of a run. [default: the latest]")] = None,
    *,
    split: SplitToScoreOption = "test",
    corpus: Annotated[
        str | None,
        typer.Option(help="Name of an embedded corpus. [default: the corpus of the run]"),
    ] = None,
    compute: ComputeOptions,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Evaluate a run and compare it with trivial baselines.

    Example: segtool eval bilstm-w4-001 --split dev
    """
    from segclf.tasks.evaluate import evaluate as evaluate_run
    from segclf.workspace.runs import load_run
    from segclf.workspace.workspace import Workspace
    from segtool.tables.evaluation import print_evaluation

    opened = Workspace(workspace)
    evaluation = evaluate_run(
        opened,
        load_run(opened, run),
        split=split,
        corpus_name=corpus,
        device=compute.device,
        threads=compute.threads,
        progress=not as_json,
    )
    show(evaluation.to_dict(), print_evaluation, as_json)
    if evaluation.unsaved:
        report(f"warning: the scores were not saved: {evaluation.unsaved}")


@with_options(as_json="--json")
def segment(
    path: Annotated[str, typer.Argument(help="Text file, or - for stdin.")],
    *,
    run: Annotated[
        str | None,
        typer.Option(help="Name of a run, or folder of an exported run. [default: the latest]"),
    ] = None,
    paragraphs: ParagraphOptions,
    input_format: Annotated[
        Literal["auto", "plain", "aozora"],
        typer.Option(
            help="Format of the text. aozora: remove the header, colophon and markup of Aozora "
            "Bunko; plain: keep all text; auto: aozora for complete Aozora Bunko files, otherwise "
            "plain."
        ),
    ] = "auto",
    compute: ComputeOptions,
    workspace: WorkspaceOption = None,
    writing: WritingOptions,
) -> None:
    """Split a text into paragraphs. The output uses the same encoding as the input.

    Example: segtool segment new.txt --output new-paragraphs.txt
    """
    from embedcache.files import write_bytes
    from segclf.corpus import read_unsegmented
    from segclf.tasks.segment import segment as segment_text
    from segclf.workspace.runs import load_run
    from segclf.workspace.workspace import Workspace

    opened = Workspace(workspace)
    source = read_unsegmented(path, format_name=input_format)
    found = segment_text(
        source.text,
        opened,
        load_run(opened, run),
        threshold=paragraphs.threshold,
        paragraphs=paragraphs.paragraphs,
        min_length=paragraphs.min_length,
        max_length=paragraphs.max_length,
        device=compute.device,
        threads=compute.threads,
        progress=True,
    )
    if writing.as_json or writing.format == "json":
        result = (json.dumps(found.to_dict(), ensure_ascii=False) + "\n").encode()
    else:
        result = encode_like(source.encoding, found.to_text())
    if writing.output:
        write_bytes(writing.output, result)
    else:
        sys.stdout.buffer.write(result)


def export(
    run: Annotated[str, typer.Argument(help="Name of a run.")],
    directory: Annotated[Path, typer.Argument(help="Folder to create.")],
    with_encoder: Annotated[
        bool,
        typer.Option(
            "--with-encoder", help="Copy the encoder too, so that no download is needed later."
        ),
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
    made = export_run(load_run(opened, run), directory, opened, with_encoder=with_encoder)
    show({"directory": str(made)}, lambda content: typer.echo(content["directory"]), as_json)
