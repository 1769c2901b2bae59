"""`segtool finetune`: a command a system."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from segtool.options import (
    CorpusOption,
    DeviceOption,
    JsonOption,
    PrecisionOption,
    ThreadsOption,
    WorkspaceOption,
    show,
)

if TYPE_CHECKING:
    from embedcache.encoders import Precision
    from segclf.finetune import FinetuneOptions

finetune_app = typer.Typer(
    help="Train an encoder end to end, to compare the heads with: minutes or hours an epoch.\n\n"
    "Example: segtool finetune cross-segment --sides sentences:1",
    rich_markup_mode=None,
    no_args_is_help=True,
)

EncoderToTuneOption = Annotated[
    str, typer.Option("--encoder", help="To start from: a name, a folder or a Hub id.")
]
LossOption = Annotated[
    Literal["cross-entropy", "balanced", "focal"], typer.Option(help="Loss function.")
]
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
AttentionDropoutOption = Annotated[
    float | None,
    typer.Option(
        help="Share of the encoder's attention; default its own. At 0 long sides take little more "
        "than half the time on a CPU."
    ),
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
    attention_dropout: AttentionDropoutOption = None,
    seed: SeedOption = 0,
    corpus: CorpusOption = None,
    device: DeviceOption = None,
    precision: PrecisionOption = "auto",
    threads: ThreadsOption = None,
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
        attention_dropout=attention_dropout,
        seed=seed,
    )
    _finetune(options, encoder, corpus, device, precision, threads, workspace, as_json)


@finetune_app.command("hierarchical")
def finetune_hierarchical(
    upper: Annotated[
        Literal["concatenate", "mlp", "bilstm", "transformer"],
        typer.Option(help="Network on the sentence vectors."),
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
    attention_dropout: AttentionDropoutOption = None,
    seed: SeedOption = 0,
    corpus: CorpusOption = None,
    device: DeviceOption = None,
    precision: PrecisionOption = "auto",
    threads: ThreadsOption = None,
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
        attention_dropout=attention_dropout,
        seed=seed,
    )
    _finetune(options, encoder, corpus, device, precision, threads, workspace, as_json)


def _finetune(
    options: "FinetuneOptions",
    encoder: str,
    corpus: str | None,
    device: str | None,
    precision: "Precision",
    threads: int | None,
    workspace: Path | None,
    as_json: bool,
) -> None:
    from segclf.finetune import finetune
    from segclf.workspace.workspace import Workspace
    from segtool.tables.single import print_epoch, print_run, print_start

    def silent(_: object) -> None: ...

    run = finetune(
        Workspace(workspace),
        options,
        corpus_name=corpus,
        encoder_name=encoder,
        device=device,
        precision=precision,
        threads=threads,
        on_start=silent if as_json else print_start,
        on_epoch=silent if as_json else print_epoch,
        progress=not as_json,
    )
    show(run.to_dict(), print_run, as_json)
