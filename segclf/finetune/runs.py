"""Fine-tuned runs: training, resumption and loading.

runs/RUN/unfinished.json         settings of an unfinished run; the same command resumes the run
runs/RUN/checkpoint.safetensors  see `segclf.finetune.checkpoints`
runs/RUN/weights.safetensors     trained weights of the best epoch; frozen weights are read from
                                 the pretrained model
runs/RUN/run.json                record of the run, written after training
runs/RUN/history.png             loss and scores of every epoch, drawn after training
runs/RUN/lock                    locked during training, so that only one process trains the run
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from filelock import FileLock, Timeout

from embedcache import UserError, load_encoder
from embedcache.encoders import Encoder, Precision, TransformerEncoder
from embedcache.encoders.threads import limit_threads
from embedcache.files import scratch_folder, write_json
from segclf.corpus import Corpus
from segclf.finetune.checkpoints import CHECKPOINT
from segclf.finetune.options import DEFAULT_BACKBONE, FinetuneOptions, options_from
from segclf.finetune.registry import make_system, restore_system
from segclf.finetune.system import System
from segclf.finetune.training import train_system
from segclf.training.epochs import Epoch, check_split
from segclf.workspace.corpora import EncoderReference, StoredCorpus
from segclf.workspace.encoders import load_referenced
from segclf.workspace.files import warn_once, write_checked_json
from segclf.workspace.new_runs import new_record, publish_run
from segclf.workspace.plots import draw_history
from segclf.workspace.provenance import machine
from segclf.workspace.record_files import complete_options
from segclf.workspace.records import Identity, RunRecord
from segclf.workspace.runs import LOCK, PLOT, RECORD, UNFINISHED, WEIGHTS, Run
from segclf.workspace.weights import check_weights, hash_weights, load_weights
from segclf.workspace.workspace import Workspace


@dataclass(frozen=True)
class PlannedRun:
    """Description of a run before training.

    Attributes:
        run: Name of the run.
        encoder: Name of the pretrained encoder.
        parameters: Number of parameters.
        trainable_parameters: Number of parameters that training may change. Of the token
            embeddings, at most those of [CLS], [SEP] and the tokens in the train split count.
        device: Device to compute on.
        precision: Precision of the encoder's matrix products.
        threads: Number of CPU threads.
        resumed: Whether an interrupted run is resumed.
    """

    run: str
    encoder: str
    parameters: int
    trainable_parameters: int
    device: str
    precision: str
    threads: int
    resumed: bool


def finetune(
    workspace: Workspace,
    options: FinetuneOptions,
    *,
    corpus_name: str | None = None,
    encoder_name: str = DEFAULT_BACKBONE,
    device: str | None = None,
    precision: Precision = "auto",
    threads: int | None = None,
    on_start: Callable[[PlannedRun], None] = lambda _: None,
    on_epoch: Callable[[Epoch], None] = lambda _: None,
    progress: bool = False,
) -> Run:
    """Fine-tune an encoder and its classifier on an embedded corpus, and save them as a run.

    If training is interrupted, repeat the call to resume it; the result is the same as without the
    interruption. The sentences are read from the corpus; cached vectors are not used.

    Args:
        workspace: Workspace of the corpus.
        options: Options of the system. Their class determines the system.
        corpus_name: Name of the corpus; None for the latest.
        encoder_name: Name of the pretrained encoder; see `embedcache.load_encoder`.
        device: Device to compute on; see `embedcache.load_encoder`.
        precision: Precision of the encoder's matrix products. "float16" is not supported, since
            its gradients would have to be scaled. An interrupted run may be resumed with another
            precision.
        threads: Number of CPU threads; None for PyTorch's default.
        on_start: Function that is called before training, with the run that will be trained.
        on_epoch: Function that is called with each finished epoch; see
            `segclf.finetune.training.train_system`.
        progress: Whether to show progress bars on standard error.

    Raises:
        UserError: There is no such corpus, encoder or device; the candidates of train or dev are
            not of both classes; the encoder is not a single Transformer or does not support an
            option or the precision; another process is training the same run or has just finished
            it; the checkpoint is damaged; or the loss is not finite.
        KeyboardInterrupt: Ctrl-C was pressed. During training, a checkpoint is written first.
    """
    if precision == "float16":
        raise UserError(
            "--precision float16 is not supported for fine-tuning: use float32 or bfloat16"
        )
    stored = workspace.load_corpus(corpus_name)
    train, dev = stored.corpus.select("train"), stored.corpus.select("dev")
    check_split("train", train.layout)
    check_split("dev", dev.layout)
    encoder = _transformer(load_encoder(encoder_name, device=device, precision=precision))
    reference = EncoderReference(encoder_name, None, encoder.fingerprint)
    with limit_threads(threads):
        system = _new_system(encoder, options, train)
        request = request_content(stored, reference, options)
        folder, resumed = claim_folder(workspace.runs, options, request)
        start = _describe_start(system, folder, encoder_name, encoder.device, resumed=resumed)
        with locked(folder):
            on_start(start)
            state = train_system(
                system, train, dev, options, folder, on_epoch=on_epoch, progress=progress
            )
            record = new_record(
                stored,
                reference,
                state.history,
                state.history[state.best],
                collapsed=state.collapsed,
                machine=machine(start.device, start.threads),
                kind=options.system,
                options=options.to_dict(),
                parameters=start.parameters,
                trainable_parameters=start.trainable_parameters,
                device=start.device,
                precision=start.precision,
                dim=system.backbone.dim,
                weights=hash_weights(folder / WEIGHTS),
            )
            _finish(folder, record)
    (folder / LOCK).unlink(missing_ok=True)  # not before: Windows cannot delete a locked file
    return Run(folder, record)


def _describe_start(
    system: System, folder: Path, encoder_name: str, device: str, *, resumed: bool
) -> PlannedRun:
    parameters, trainable_parameters = system.count_parameters()
    return PlannedRun(
        run=folder.name,
        encoder=encoder_name,
        parameters=parameters,
        trainable_parameters=trainable_parameters,
        device=device,
        precision=system.backbone.precision,
        threads=torch.get_num_threads(),
        resumed=resumed,
    )


def _finish(folder: Path, record: RunRecord) -> None:
    """Write the plot and the record of a run, and delete what only an unfinished run needs."""
    draw_history(record, folder / PLOT)
    write_checked_json(folder / RECORD, record.to_dict(), indent=1)
    _remove_unfinished(folder)


def _remove_unfinished(folder: Path) -> None:
    for name in (CHECKPOINT, UNFINISHED):
        (folder / name).unlink(missing_ok=True)


def load_system(run: Run, device: str | None = None) -> System:
    """Restore the system of a run with its trained weights.

    Args:
        run: Run of a fine-tuned system.
        device: Device to compute on; None for the fastest available.

    Raises:
        UserError: The pretrained model is missing or has changed, the weights of the run are
            damaged or do not fit, or the device does not exist.
    """
    check_weights(run.path / WEIGHTS, run.record.weights)
    state = load_weights(run.path / WEIGHTS)
    options = options_from(run.kind, run.record.options)
    encoder = _transformer(load_referenced(run.encoder, run.path, device=device))
    return restore_system(encoder, options, state)


def _transformer(encoder: Encoder) -> TransformerEncoder:
    if not isinstance(encoder, TransformerEncoder):
        raise UserError(
            f"{encoder.name} is not a single Transformer: choose a Transformer to fine-tune"
        )
    return encoder


def _new_system(encoder: TransformerEncoder, options: FinetuneOptions, train: Corpus) -> System:
    system = make_system(encoder, options)
    if options.freeze is None:
        text = system.backbone.tokenize(train.sentences, train.layout)
        special = [system.backbone.cls_token, system.backbone.sep_token]
        tokens = np.union1d(text.tokens, np.array(special, dtype=np.int64))
        system.backbone.train_embeddings_of(torch.from_numpy(tokens))
    return system.to(encoder.device)


def request_content(
    stored: StoredCorpus, encoder: EncoderReference, options: FinetuneOptions
) -> dict[str, Any]:
    """Return the content of unfinished.json, which describes the run that a call requests."""
    return {
        "kind": options.system,
        "corpus": stored.name,
        "corpus_digest": stored.digest,
        "encoder": asdict(encoder),
        "options": options.to_dict(),
    }


def _identity(request: dict[str, Any]) -> Identity:
    """Return the identity of the run that the content of unfinished.json describes."""
    fingerprint = request["encoder"]["fingerprint"]
    options = complete_options(request["kind"], request["options"])
    return Identity.of(request["kind"], request["corpus_digest"], fingerprint, options)


def claim_folder(
    runs: Path, options: FinetuneOptions, request: dict[str, Any]
) -> tuple[Path, bool]:
    """Find the folder of an interrupted run with the same identity, or create a folder.

    Damaged files of other runs are skipped with a warning. Files that a killed process left in the
    folder of a finished run are removed.

    Args:
        runs: Folder of the runs.
        options: Options of the system, which determine the name of a new folder.
        request: Result of `request_content`.

    Returns:
        The folder, and whether an interrupted run is resumed.
    """
    requested = _identity(request)
    for path in sorted(runs.glob(f"*/{UNFINISHED}")):
        try:
            same = _identity(json.loads(path.read_text(encoding="utf-8"))) == requested
        except FileNotFoundError:  # the run has just been finished by another process
            continue
        except (ValueError, KeyError, TypeError, AttributeError):
            warn_once(
                f"skipped an unfinished run: {path} is damaged; delete the folder {path.parent}"
            )
            continue
        if (path.parent / RECORD).exists():  # the process was killed after it had finished
            _remove_unfinished(path.parent)
        elif same:
            return path.parent, True
    runs.mkdir(parents=True, exist_ok=True)
    with scratch_folder(runs) as scratch:
        write_json(scratch / UNFINISHED, request)
        return publish_run(scratch, runs, options.run_name), False


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Lock the folder of a run while this process trains it.

    Raises:
        UserError: Another process is training the run or has just finished it.
    """
    try:
        with FileLock(folder / LOCK, timeout=0):
            if (folder / RECORD).exists():  # after this process found it unfinished
                raise UserError(
                    f"another process has just finished training {folder.name}: use that run, or "
                    "run the command again to start a new one"
                )
            yield
    except Timeout as error:
        raise UserError(
            f"{folder.name} is being trained by another process: wait until that process ends, or "
            "stop it"
        ) from error
