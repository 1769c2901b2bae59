"""The command line: one function a command; parse, call, print. No logic."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

if TYPE_CHECKING:
    from segclf.finetune import FinetuneOptions
    from segclf.training import Epoch

INTERRUPTED = 130

app = typer.Typer(
    help="Split text into paragraphs: encode every sentence once, train small heads in seconds.\n\n"
    "Example: segtool embed novel.txt && segtool train && segtool eval && segtool segment new.txt",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
encoders_app = typer.Typer(
    help="List encoders, or show one.\n\nExample: segtool encoders show e5-small",
    rich_markup_mode=None,
)
app.add_typer(encoders_app, name="encoders", invoke_without_command=True)
finetune_app = typer.Typer(
    help="Train an encoder end to end, to compare the heads with: minutes or hours an epoch.\n\n"
    "Example: segtool finetune cross-segment --sides sentences:1",
    rich_markup_mode=None,
    no_args_is_help=True,
)
app.add_typer(finetune_app, name="finetune")

WorkspaceOption = Annotated[
    Path | None,
    typer.Option(help="Folder of store, corpora and runs; default $SEGTOOL_HOME, else ./.segtool."),
]
CorpusOption = Annotated[str | None, typer.Option(help="A corpus by name; default the latest.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
PoolingName = Literal["cls", "mean", "max", "sif", "tokens"]
PoolingOption = Annotated[
    PoolingName | None,
    typer.Option(
        help="cls, mean, max: pool a plain Hugging Face encoder so. mean, sif, tokens: of word "
        "vectors; tokens are for the head wordlstm."
    ),
]

FormatOption = Annotated[
    str, typer.Option("--format", help="plain, aozora, choi, jsonl; auto tells by content.")
]
BoundaryOption = Annotated[
    Literal["auto", "indent", "line", "blank"],
    typer.Option(help="What begins a paragraph in the layout."),
]
SentencesOption = Annotated[str, typer.Option(help="Sentence rule: sentencex, kuten or line.")]
LanguageOption = Annotated[
    str | None, typer.Option(help="Language code for sentencex; default guessed.")
]
SplitOption = Annotated[
    str | None,
    typer.Option(help="Shares as 80/10/10, or train, dev, test; default sub-folders so named."),
]


@app.command()
def embed(
    path: Annotated[str, typer.Argument(help="A text file, a folder of them, or - for stdin.")],
    workspace: WorkspaceOption = None,
    name: Annotated[str | None, typer.Option(help="Call the corpus so; default its file.")] = None,
    encoder: Annotated[
        str, typer.Option(help="A name, a folder, a Hub id, or wordvec:FILE.")
    ] = "e5-small",
    pooling: PoolingOption = None,
    device: Annotated[str | None, typer.Option(help="cpu, cuda, ...; default the best.")] = None,
    dtype: Annotated[
        Literal["float32", "float16"], typer.Option(help="How a new store keeps numbers.")
    ] = "float32",
    format_name: FormatOption = "auto",
    boundary: BoundaryOption = "auto",
    sentences: SentencesOption = "sentencex",
    language: LanguageOption = None,
    split: SplitOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read a corpus and encode the sentences that are new.

    Example: segtool embed novels/ --sentences kuten --boundary indent
    """
    from segclf.corpus import ReadOptions
    from segclf.embedding import embed as embed_corpus
    from segclf.tables import print_embedded
    from segclf.workspace import Workspace

    embedded = embed_corpus(
        path,
        Workspace(workspace),
        name=name,
        encoder_name=encoder,
        pooling=pooling,
        device=device,
        dtype=dtype,
        options=ReadOptions(boundary, sentences, language),
        format_name=format_name,
        split=split,
        progress=not as_json,
    )
    _show(embedded.to_dict(), print_embedded, as_json)


@app.command()
def train(
    head: Annotated[
        str,
        typer.Option(
            help="mlp, bilstm, transformer or wordlstm; over documents bilstm, local-transformer "
            "or linear-transformer."
        ),
    ] = "bilstm",
    context: Annotated[
        Literal["window", "document"],
        typer.Option(help="Read some sentences on each side, or the whole document at once."),
    ] = "window",
    window: Annotated[
        int | None,
        typer.Option(
            help="Sentences on each side; default 4. Over documents only of local-transformer, "
            "how far a layer of it reaches; default 32."
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
    learning_rate: Annotated[float, typer.Option(help="Highest of the schedule.")] = 1e-3,
    batch_size: Annotated[
        int | None, typer.Option(help="Candidates a step; default by corpus size, at most 256.")
    ] = None,
    epochs: Annotated[int, typer.Option(help="At most so many.")] = 12,
    patience: Annotated[int, typer.Option(help="Stop after so many without a better dev F1.")] = 3,
    seed: Annotated[int, typer.Option(help="Of weights, dropout and order.")] = 0,
    corpus: CorpusOption = None,
    encoder: Annotated[str | None, typer.Option(help="One that embedded the corpus.")] = None,
    pooling: Annotated[
        PoolingName | None, typer.Option(help="Of that encoder, where it embedded with several.")
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Train a head on the cached vectors; all that is chosen is chosen on dev.

    Example: segtool train --head transformer --window 2 --loss focal

    Example: segtool train --context document --head local-transformer
    """
    from segclf.runs import train as train_run
    from segclf.tables import print_epoch, print_run
    from segclf.training import TrainingOptions
    from segclf.workspace import Workspace

    def silent(_: "Epoch") -> None: ...

    run = train_run(
        Workspace(workspace),
        TrainingOptions(
            head=head,
            context=context,
            window=window,
            crop=crop,
            loss=loss,
            gamma=gamma,
            learning_rate=learning_rate,
            batch_size=batch_size,
            epochs=epochs,
            patience=patience,
            seed=seed,
        ),
        corpus_name=corpus,
        encoder_name=encoder,
        pooling=pooling,
        on_epoch=silent if as_json else print_epoch,
    )
    _show(run.to_dict(), print_run, as_json)


EncoderToTuneOption = Annotated[
    str, typer.Option("--encoder", help="To start from: a name, a folder or a Hub id.")
]
LossOption = Annotated[str, typer.Option(help="cross-entropy, balanced or focal.")]
GammaOption = Annotated[float, typer.Option(help="Of the focal loss.")]
EpochsOption = Annotated[int, typer.Option(help="The best of them on dev is kept.")]
RateOption = Annotated[float, typer.Option(help="Highest of the schedule.")]
BatchOption = Annotated[int, typer.Option(help="Candidates in the encoder at once.")]
AccumulateOption = Annotated[int, typer.Option(help="Batches a step.")]
FreezeOption = Annotated[
    int | None, typer.Option(help="Do not train the embeddings and so many of the first layers.")
]
CheckpointingOption = Annotated[
    bool, typer.Option("--checkpointing", help="Less memory, a third more time.")
]
SeedOption = Annotated[int, typer.Option(help="Of new weights, dropout and order.")]


@finetune_app.command("cross-segment")
def finetune_cross_segment(
    sides: Annotated[
        str, typer.Option(help="sentences:N or tokens:N on each side of a candidate.")
    ] = "sentences:1",
    encoder: EncoderToTuneOption = "e5-small",
    loss: LossOption = "cross-entropy",
    gamma: GammaOption = 2.0,
    epochs: EpochsOption = 1,
    learning_rate: RateOption = 5e-5,
    batch_size: BatchOption = 32,
    accumulate: AccumulateOption = 1,
    freeze: FreezeOption = None,
    checkpointing: CheckpointingOption = False,
    seed: SeedOption = 0,
    corpus: CorpusOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read both sides of a candidate together: [CLS] left [SEP] right [SEP].

    If it is stopped, the same command goes on from there.

    Example: segtool finetune cross-segment --sides tokens:64 --epochs 2
    """
    from segclf.finetune import CrossSegmentOptions

    options = CrossSegmentOptions(
        sides=sides,
        loss=loss,
        gamma=gamma,
        epochs=epochs,
        learning_rate=learning_rate,
        batch_size=batch_size,
        accumulate=accumulate,
        freeze=freeze,
        checkpointing=checkpointing,
        seed=seed,
    )
    _finetune(options, encoder, corpus, workspace, as_json)


@finetune_app.command("hierarchical")
def finetune_hierarchical(
    upper: Annotated[
        str, typer.Option(help="concatenate, bilstm, transformer or mlp, on sentence vectors.")
    ] = "concatenate",
    window: Annotated[int, typer.Option(help="Sentences on each side.")] = 1,
    pooling: Annotated[
        Literal["cls", "mean"], typer.Option(help="What of a sentence's states goes up.")
    ] = "cls",
    encoder: EncoderToTuneOption = "e5-small",
    loss: LossOption = "cross-entropy",
    gamma: GammaOption = 2.0,
    epochs: EpochsOption = 1,
    learning_rate: RateOption = 5e-5,
    upper_learning_rate: Annotated[float, typer.Option(help="Of the upper network.")] = 1e-3,
    batch_size: BatchOption = 32,
    accumulate: AccumulateOption = 1,
    freeze: FreezeOption = None,
    checkpointing: CheckpointingOption = False,
    seed: SeedOption = 0,
    corpus: CorpusOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Encode each sentence by itself, and give the vectors to an upper network.

    If it is stopped, the same command goes on from there.

    Example: segtool finetune hierarchical --upper bilstm --window 2
    """
    from segclf.finetune import HierarchicalOptions

    options = HierarchicalOptions(
        upper=upper,
        sentences=window,
        pooling=pooling,
        loss=loss,
        gamma=gamma,
        epochs=epochs,
        learning_rate=learning_rate,
        upper_learning_rate=upper_learning_rate,
        batch_size=batch_size,
        accumulate=accumulate,
        freeze=freeze,
        checkpointing=checkpointing,
        seed=seed,
    )
    _finetune(options, encoder, corpus, workspace, as_json)


def _finetune(
    options: "FinetuneOptions",
    encoder: str,
    corpus: str | None,
    workspace: Path | None,
    as_json: bool,
) -> None:
    from segclf.finetune import finetune
    from segclf.tables import print_epoch, print_run, print_start
    from segclf.workspace import Workspace

    def silent(_: object) -> None: ...

    run = finetune(
        Workspace(workspace),
        options,
        corpus_name=corpus,
        encoder_name=encoder,
        on_start=silent if as_json else print_start,
        on_epoch=silent if as_json else print_epoch,
        progress=not as_json,
    )
    _show(run.to_dict(), print_run, as_json)


@app.command(name="eval")
def evaluate(
    run: Annotated[str | None, typer.Argument(help="A run; default the latest.")] = None,
    split: Annotated[
        Literal["train", "dev", "test"], typer.Option(help="What to score on.")
    ] = "test",
    corpus: Annotated[
        str | None, typer.Option(help="Another corpus than the run was trained on.")
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Score a run beside trivial baselines.

    Example: segtool eval bilstm-w4-001 --split dev
    """
    from segclf.evaluation import evaluate as evaluate_run
    from segclf.runs import load_run
    from segclf.tables import print_evaluation
    from segclf.workspace import Workspace

    place = Workspace(workspace)
    evaluation = evaluate_run(
        place, load_run(place, run), split=split, corpus_name=corpus, progress=not as_json
    )
    _show(evaluation.to_dict(), print_evaluation, as_json)


@app.command()
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
    jobs: Annotated[int | None, typer.Option(help="Runs at once; default one a core.")] = None,
    threads: Annotated[int, typer.Option(help="Of each run.")] = 1,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Train a grid of settings on all cores, skip what is done, and rank it by dev F1.

    Example: segtool sweep --head mlp,bilstm --window 2,4 --seed 0-4
    """
    from segclf.grids import Experiment, expand, given_values, read_experiment, select
    from segclf.record_tables import print_sweep
    from segclf.sweeps import embed_experiment, report
    from segclf.sweeps import sweep as run_sweep
    from segclf.workspace import Workspace

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
        threads=threads,
        progress=not as_json,
    )
    content = report(outcomes)
    _show(content, print_sweep, as_json)
    if content["failed"]:
        raise typer.Exit(1)


@app.command()
def runs(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """List the runs with their scores, the latest last.

    Example: segtool runs --json
    """
    from segclf.leaderboard import run_row
    from segclf.record_tables import print_runs
    from segclf.runs import list_runs
    from segclf.workspace import Workspace

    rows = [run_row(run) for run in list_runs(Workspace(workspace))]
    _show({"runs": rows}, print_runs, as_json)


@app.command()
def compare(
    first: Annotated[str, typer.Argument(help="A run.")],
    second: Annotated[str, typer.Argument(help="Another run on the same corpus.")],
    split: Annotated[
        Literal["train", "dev", "test"], typer.Option(help="What to compare on.")
    ] = "test",
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say how much better one run is than another, with a paired bootstrap interval.

    Example: segtool compare bilstm-w4-001 mlp-w4-001
    """
    from segclf.comparison import compare as compare_runs
    from segclf.record_tables import print_comparison
    from segclf.runs import load_run
    from segclf.workspace import Workspace

    place = Workspace(workspace)
    pair = load_run(place, first), load_run(place, second)
    _show(compare_runs(place, *pair, split=split).to_dict(), print_comparison, as_json)


@app.command()
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
    """Count sentences, boundaries, lengths and duplicates; the options say how to read a path.

    Example: segtool stats novels/ --sentences kuten --boundary indent
    """
    from segclf.corpus import ReadOptions
    from segclf.corpus_statistics import corpus_statistics, find_corpus
    from segclf.tables import print_statistics
    from segclf.workspace import Workspace

    name, found = find_corpus(
        corpus,
        Workspace(workspace),
        options=ReadOptions(boundary, sentences, language),
        format_name=format_name,
        split=split,
    )
    content = {"corpus": name, "splits": corpus_statistics(found)}
    _show(content, print_statistics, as_json)


@app.command()
def segment(
    path: Annotated[str, typer.Argument(help="A text file, or - for stdin.")],
    run: Annotated[str | None, typer.Option(help="A run; default the latest.")] = None,
    output_format: Annotated[
        Literal["text", "json"],
        typer.Option("--format", help="text: a blank line before each paragraph; json: all of it."),
    ] = "text",
    output: Annotated[Path | None, typer.Option(help="Write here, not to stdout.")] = None,
    workspace: WorkspaceOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
) -> None:
    """Find the paragraphs of a new text.

    Example: segtool segment new.txt --output new-paragraphs.txt
    """
    from segclf.corpus import read_text
    from segclf.runs import load_run
    from segclf.segmentation import segment as segment_text
    from segclf.workspace import Workspace, write_text

    place = Workspace(workspace)
    found = segment_text(read_text(path), place, load_run(place, run), progress=True)
    if as_json or output_format == "json":
        result = json.dumps(found.to_dict(), ensure_ascii=False) + "\n"
    else:
        result = found.to_text()
    if output:
        write_text(output, result)
    else:
        sys.stdout.buffer.write(result.encode())


@encoders_app.callback()
def encoders(context: typer.Context, as_json: JsonOption = False) -> None:
    """List the built-in encoders; any sentence-transformers or Hugging Face model works too.

    Example: segtool encoders show e5-small
    """
    from embedcache import BUILT_IN
    from segclf.tables import print_encoders

    if context.invoked_subcommand is None:
        listed = {
            name: {"description": known.description, "package": known.package}
            for name, known in BUILT_IN.items()
        }
        _show(listed, print_encoders, as_json)


@encoders_app.command("show")
def show_encoder(
    name: Annotated[str, typer.Argument(help="A name, a folder, a Hub id, or wordvec:FILE.")],
    pooling: PoolingOption = None,
    as_json: JsonOption = False,
) -> None:
    """Load an encoder and tell its size, limits and fingerprint.

    Example: segtool encoders show e5-small
    """
    from embedcache import load_encoder
    from segclf.tables import print_fields

    _show(load_encoder(name, pooling=pooling).describe(), print_fields, as_json)


def _show(
    content: dict[str, Any], print_table: Callable[[dict[str, Any]], None], as_json: bool
) -> None:
    if as_json:
        sys.stdout.write(json.dumps(content, ensure_ascii=False) + "\n")
    else:
        print_table(content)


def main() -> None:
    """Run the command line: exit 2 and one line for a user's mistake, a traceback for a bug."""
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
        sys.stderr.write(f"error: {_one_line(error)} (see {command} --help)\n")
        code = 2
    except BrokenPipeError:  # as in `segtool segment novel.txt | head`
        sys.stderr.close()
        code = 1
    except ValueError as error:
        from embedcache import UserError

        if not isinstance(error, UserError):
            raise
        sys.stderr.write(f"error: {error}\n")
        code = 2
    sys.exit(code)


def _one_line(error: typer.TyperException) -> str:
    message = error.format_message() if hasattr(error, "format_message") else str(error)
    return " ".join(message.replace("Value error, ", "").split())


if __name__ == "__main__":
    main()
