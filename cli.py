"""The command line: one function a command; parse, call, print. No logic."""

import json
import sys
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from segtool.commands import experiments as records
from segtool.commands.encoders import encoders_app
from segtool.commands.finetune import finetune_app
from segtool.commands.store import store_app
from segtool.options import (
    BoundaryOption,
    CorpusOption,
    DeviceOption,
    FormatOption,
    HeadDeviceOption,
    HeadThreadsOption,
    JsonOption,
    LanguageOption,
    PoolingName,
    PoolingOption,
    PrecisionOption,
    SentencesOption,
    SplitOption,
    ThreadsOption,
    VersionOption,
    WorkspaceOption,
    encode_like,
    show,
)

if TYPE_CHECKING:
    from segclf.training.epochs import Epoch

INTERRUPTED = 130

app = typer.Typer(
    help="Split text into paragraphs: encode every sentence once, train small heads in seconds.\n\n"
    "Example: segtool embed novel.txt && segtool train && segtool eval && segtool segment new.txt",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.add_typer(encoders_app, name="encoders", invoke_without_command=True)
app.add_typer(finetune_app, name="finetune")
app.add_typer(store_app, name="store")


@app.callback()
def options(version: VersionOption = False) -> None:
    """Take the options that stand before a command."""


@app.command()
def embed(
    path: Annotated[str, typer.Argument(help="A text file, a folder of them, or - for stdin.")],
    workspace: WorkspaceOption = None,
    name: Annotated[str | None, typer.Option(help="Call the corpus so; default its file.")] = None,
    encoder: Annotated[
        str | None,
        typer.Option(
            help="A name, a folder, a Hub id, or wordvec:FILE; a transformer cut after a layer as "
            "NAME:LAYER; several joined by +. Default e5-small:7+surface."
        ),
    ] = None,
    pooling: PoolingOption = None,
    device: DeviceOption = None,
    precision: PrecisionOption = "auto",
    threads: ThreadsOption = None,
    dtype: Annotated[
        Literal["float32", "float16"] | None,
        typer.Option(help="How the store keeps numbers; default float32, or as it has them."),
    ] = None,
    format_name: FormatOption = "auto",
    boundary: BoundaryOption = "auto",
    sentences: SentencesOption = "sentencex",
    language: LanguageOption = None,
    split: SplitOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read a corpus and encode the sentences that are new.

    Example: segtool embed novels/ --boundary indent --split 80/10/10
    """
    from segclf.corpus import ReadOptions
    from segclf.tasks.embed import embed as embed_corpus
    from segclf.workspace.workspace import Workspace
    from segtool.tables.single import print_embedded

    embedded = embed_corpus(
        path,
        Workspace(workspace),
        name=name,
        encoder_name=encoder,
        pooling=pooling,
        device=device,
        precision=precision,
        threads=threads,
        dtype=dtype,
        options=ReadOptions(boundary, sentences, language),
        format_name=format_name,
        split=split,
        progress=not as_json,
    )
    show(embedded.to_dict(), print_embedded, as_json)


@app.command()
def train(
    head: Annotated[
        str | None,
        typer.Option(
            help="mlp (the default), bilstm, transformer or wordlstm; for whole documents "
            "document-bilstm, local-transformer or linear-transformer."
        ),
    ] = None,
    context: Annotated[
        Literal["window", "document"] | None,
        typer.Option(help="Choose the default head on windows, or the one on whole documents."),
    ] = None,
    window: Annotated[
        int | None,
        typer.Option(
            help="Number of sentences on each side of a candidate (heads on windows only). "
            "[default: 4]"
        ),
    ] = None,
    reach: Annotated[
        int | None,
        typer.Option(
            help="Number of sentences on each side that a layer of local-transformer attends to. "
            "[default: 32]"
        ),
    ] = None,
    crop: Annotated[
        int | None,
        typer.Option(
            help="Over documents: so many sentences are trained on at once; default a step."
        ),
    ] = None,
    loss: Annotated[str, typer.Option(help="cross-entropy, balanced or focal.")] = "cross-entropy",
    gamma: Annotated[float, typer.Option(help="Of the focal loss.")] = 2.0,
    learning_rate: Annotated[float, typer.Option(help="Highest of the schedule.")] = 5e-4,
    batch_size: Annotated[
        int | None, typer.Option(help="Candidates a step; default by corpus size, at most 256.")
    ] = None,
    epochs: Annotated[int, typer.Option(help="At most so many.")] = 6,
    patience: Annotated[int, typer.Option(help="Stop after so many without a better dev F1.")] = 3,
    seed: Annotated[int, typer.Option(help="Of weights, dropout and order.")] = 0,
    corpus: CorpusOption = None,
    encoder: Annotated[str | None, typer.Option(help="One that embedded the corpus.")] = None,
    pooling: Annotated[
        PoolingName | None, typer.Option(help="Of that encoder, where it embedded with several.")
    ] = None,
    device: HeadDeviceOption = "cpu",
    threads: HeadThreadsOption = 1,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Train a head on the cached vectors; all that is chosen is chosen on dev.

    Example: segtool train --head transformer --window 2 --loss focal

    Example: segtool train --head local-transformer
    """
    from segclf.tasks.train import train as train_run
    from segclf.training.options import TrainingOptions
    from segclf.workspace.workspace import Workspace
    from segtool.tables.single import print_epoch, print_run

    def silent(_: "Epoch") -> None: ...

    run = train_run(
        Workspace(workspace),
        TrainingOptions.from_settings(
            {
                "head": head,
                "context": context,
                "window": window,
                "reach": reach,
                "crop": crop,
                "loss": loss,
                "gamma": gamma,
                "learning_rate": learning_rate,
                "batch_size": batch_size,
                "epochs": epochs,
                "patience": patience,
                "seed": seed,
            }
        ),
        corpus_name=corpus,
        encoder_name=encoder,
        pooling=pooling,
        device=device,
        threads=threads,
        on_epoch=silent if as_json else print_epoch,
    )
    show(run.to_dict(), print_run, as_json)


@app.command(name="eval")
def evaluate(
    run: Annotated[str | None, typer.Argument(help="A run; default the latest.")] = None,
    split: Annotated[
        Literal["train", "dev", "test"], typer.Option(help="What to score on.")
    ] = "test",
    corpus: Annotated[
        str | None, typer.Option(help="Another corpus than the run was trained on.")
    ] = None,
    device: DeviceOption = None,
    threads: ThreadsOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Score a run beside trivial baselines.

    Example: segtool eval bilstm-w4-001 --split dev
    """
    from segclf.tasks.evaluate import evaluate as evaluate_run
    from segclf.workspace.runs import load_run
    from segclf.workspace.workspace import Workspace
    from segtool.tables.single import print_evaluation

    place = Workspace(workspace)
    evaluation = evaluate_run(
        place,
        load_run(place, run),
        split=split,
        corpus_name=corpus,
        device=device,
        threads=threads,
        progress=not as_json,
    )
    show(evaluation.to_dict(), print_evaluation, as_json)
    if evaluation.unsaved:
        _report(f"the scores were not saved: {evaluation.unsaved}")


@app.command()
def segment(
    path: Annotated[str, typer.Argument(help="A text file, or - for stdin.")],
    run: Annotated[
        str | None, typer.Option(help="A run, or an exported one's folder; default the latest.")
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(help="Probability at which a paragraph begins; default that from dev."),
    ] = None,
    paragraphs: Annotated[
        int | None, typer.Option(help="So many, where they are most probable.")
    ] = None,
    min_length: Annotated[
        int, typer.Option(help="Fewest sentences of a paragraph; the last may have fewer.")
    ] = 1,
    max_length: Annotated[
        int | None, typer.Option(help="Most sentences of a paragraph; default no limit.")
    ] = None,
    input_format: Annotated[
        Literal["auto", "plain", "aozora"],
        typer.Option(
            help="plain: take the text as it is; aozora: without header, colophon and markup; auto "
            "does so with whole files of Aozora Bunko."
        ),
    ] = "auto",
    output_format: Annotated[
        Literal["text", "json"],
        typer.Option("--format", help="text: a blank line before each paragraph; json: all of it."),
    ] = "text",
    output: Annotated[Path | None, typer.Option(help="Write here, not to stdout.")] = None,
    device: DeviceOption = None,
    threads: ThreadsOption = None,
    workspace: WorkspaceOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
) -> None:
    """Find the paragraphs of a new text; the output is in the encoding of the input.

    Example: segtool segment new.txt --output new-paragraphs.txt
    """
    from embedcache.files import write_bytes
    from segclf.corpus import read_unsegmented
    from segclf.tasks.segment import segment as segment_text
    from segclf.workspace.runs import load_run
    from segclf.workspace.workspace import Workspace

    place = Workspace(workspace)
    source = read_unsegmented(path, format_name=input_format)
    found = segment_text(
        source.text,
        place,
        load_run(place, run),
        threshold=threshold,
        paragraphs=paragraphs,
        min_length=min_length,
        max_length=max_length,
        device=device,
        threads=threads,
        progress=True,
    )
    if as_json or output_format == "json":
        result = (json.dumps(found.to_dict(), ensure_ascii=False) + "\n").encode()
    else:
        result = encode_like(source.encoding, found.to_text())
    if output:
        write_bytes(output, result)
    else:
        sys.stdout.buffer.write(result)


for command in (records.sweep, records.runs, records.compare, records.export, records.stats):
    app.command()(command)


def main() -> None:
    """Run the command line: exit 2 and one line for a user's mistake, a traceback for a bug."""
    if isinstance(sys.stdout, TextIOWrapper):  # a table may hold what the console cannot show
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        code = app(args=sys.argv[1:] or ["--help"], standalone_mode=False) or 0
        if code == INTERRUPTED:
            sys.stderr.write(
                "\nstopped: what is finished is kept, nothing is half written; "
                "embed, finetune and sweep go on from there\n"
            )
    except typer.TyperException as error:
        context = getattr(error, "ctx", None)
        command = context.command_path if context else "segtool"
        _report(f"error: {_one_line(error)} (see {command} --help)")
        code = 2
    except BrokenPipeError:  # as in `segtool segment novel.txt | head`
        sys.stderr.close()
        code = 1
    except OSError as error:
        if error.filename is None or not _was_named(Path(error.filename)):
            raise
        _report(f"error: {error.filename}: {str(error.strerror).lower()}")
        code = 2
    except ValueError as error:
        from embedcache import UserError

        if not isinstance(error, UserError):
            raise
        _report(f"error: {error}")
        code = 2
    sys.exit(code)


def _report(message: str) -> None:
    """Write one line to standard error, control characters visible."""
    from embedcache.terminal import printable

    sys.stderr.write(printable(message) + "\n")


def _was_named(path: Path) -> bool:
    """Say whether an argument, or the workspace, is a path, leads through it or contains it."""
    from segclf.workspace.workspace import Workspace

    place = path.resolve()
    words = [Path(word.split("=", 1)[-1]) for word in sys.argv[1:]]
    named = [path.resolve() for path in (*words, Workspace().path)]
    return any(place.is_relative_to(p) or p.is_relative_to(place) for p in named)


def _one_line(error: typer.TyperException) -> str:
    message = error.format_message() if hasattr(error, "format_message") else str(error)
    return " ".join(message.replace("Value error, ", "").split())


if __name__ == "__main__":
    main()
