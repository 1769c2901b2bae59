"""`segtool finetune`: a command for each system that can be fine-tuned."""

from typing import TYPE_CHECKING, Annotated

import typer

from segclf.finetune.options import DEFAULT_BACKBONE, CrossSegmentOptions, HierarchicalOptions
from segtool.command_group import CommandGroup
from segtool.completion import complete_encoders
from segtool.options import (
    CorpusOption,
    EncoderComputeOptions,
    JsonOption,
    LogToOption,
    WorkspaceOption,
    with_options,
)
from segtool.output import ignore, run_logger, show, shows_progress

if TYPE_CHECKING:
    from pathlib import Path

    from segclf.finetune.options import FinetuneOptions
    from segtool.output import RunLogger

finetune_app = CommandGroup(
    help="Fine-tune an encoder, to compare heads with it. An epoch takes minutes or hours.\n\n"
    "Example: segtool finetune cross-segment --sides sentences:1",
    no_args_is_help=True,
)

_KEPT = "The run is kept up to its last checkpoint."

EncoderToTuneOption = Annotated[
    str,
    typer.Option(
        "--encoder",
        help="Name, folder or Hub id of the encoder to fine-tune.",
        autocompletion=complete_encoders,
    ),
]


@finetune_app.command("cross-segment", kept=_KEPT, resumes=True)
@with_options()
def finetune_cross_segment(
    *,
    options: CrossSegmentOptions,
    encoder: EncoderToTuneOption = DEFAULT_BACKBONE,
    corpus: CorpusOption = None,
    compute: EncoderComputeOptions,
    log_to: LogToOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Train an encoder on both sides of each possible boundary.

    The encoder reads [CLS] left [SEP] right [SEP]. After an interruption, run the same command
    again to continue.

    Example: segtool finetune cross-segment --sides tokens:64 --epochs 2
    """
    _finetune(options, compute, encoder, corpus, run_logger(log_to), workspace, as_json)


@finetune_app.command("hierarchical", kept=_KEPT, resumes=True)
@with_options(sentences="--window")
def finetune_hierarchical(
    *,
    options: HierarchicalOptions,
    encoder: EncoderToTuneOption = DEFAULT_BACKBONE,
    corpus: CorpusOption = None,
    compute: EncoderComputeOptions,
    log_to: LogToOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Train a sentence encoder together with a head.

    The encoder encodes each sentence separately, and the head reads the sentence vectors. After an
    interruption, run the same command again to continue.

    Example: segtool finetune hierarchical --upper bilstm --window 2
    """
    _finetune(options, compute, encoder, corpus, run_logger(log_to), workspace, as_json)


def _finetune(
    options: "FinetuneOptions",
    compute: EncoderComputeOptions,
    encoder: str,
    corpus: str | None,
    log: "RunLogger",
    workspace: "Path | None",
    as_json: bool,
) -> None:
    from segclf.finetune.runs import finetune
    from segclf.workspace.workspace import Workspace
    from segtool.tables.training import print_epoch, print_run, print_start

    opened = Workspace(workspace)
    run = finetune(
        opened,
        options,
        corpus_name=corpus,
        encoder_name=encoder,
        device=compute.device,
        precision=compute.precision,
        threads=compute.threads,
        on_start=print_start if shows_progress(as_json) else ignore,
        on_epoch=print_epoch if shows_progress(as_json) else ignore,
        progress=shows_progress(as_json),
    )
    show(run.to_dict(), print_run, as_json)
    log([run], opened)
