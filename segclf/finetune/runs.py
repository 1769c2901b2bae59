"""Fine-tuned runs: made, gone on with, and loaded.

runs/RUN/unfinished.json         what is trained, while it is; the same command goes on with it
runs/RUN/checkpoint.safetensors  see `segclf.finetune.checkpoints`
runs/RUN/weights.safetensors     what training changed, of the best epoch; what it froze is taken
                                 from the model that it started from
runs/RUN/run.json                as of every run, once training is over
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
from segclf.finetune.options import FinetuneOptions, options_from
from segclf.finetune.registry import make_system, restore_system
from segclf.finetune.system import System
from segclf.finetune.training import train_system
from segclf.training.epochs import Epoch, check_split
from segclf.workspace.encoders import load_referenced
from segclf.workspace.plots import draw_history
from segclf.workspace.provenance import machine
from segclf.workspace.records import Identity
from segclf.workspace.runs import RECORD, WEIGHTS, Run, new_record, publish_run
from segclf.workspace.weights import load_weights
from segclf.workspace.workspace import EncoderReference, StoredCorpus, Workspace, warn_once

_UNFINISHED = "unfinished.json"
_LOCK = "lock"


@dataclass(frozen=True)
class Start:
    """What is known before training.

    Attributes:
        run: its name.
        encoder: name of the model that it starts from.
        parameters: all of them.
        trainable_parameters: those that training may change; of the word embeddings, those of the
            tokens that occur in train.
        device: that computes.
        precision: of the encoder's matrix products.
        threads: that compute on the CPU.
        resumed: whether an earlier call of the same was stopped and is gone on with.
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
    encoder_name: str = "e5-small",
    device: str | None = None,
    precision: Precision = "auto",
    threads: int | None = None,
    on_start: Callable[[Start], None] = lambda _: None,
    on_epoch: Callable[[Epoch], None] = lambda _: None,
    progress: bool = False,
) -> Run:
    """Train an encoder and what is above it on an embedded corpus, and keep it as a run.

    If it is stopped, the same call goes on from where it was and ends with the same run. The
    sentences come from the corpus, no vector from the store.

    Args:
        workspace: that the corpus was embedded into.
        options: of a system; their class says of which.
        corpus_name: by default the corpus embedded last.
        encoder_name: the model to start from, see `embedcache.load_encoder`.
        device: see there.
        precision: of the encoder's matrix products. "float16" is refused: its gradients would have
            to be scaled. A stopped run goes on in whatever precision the next call names.
        threads: that a CPU computes with; None for torch's own number.
        on_start: called before training.
        on_epoch: called after each epoch.
        progress: show bars on standard error.

    Raises:
        UserError: nothing is embedded, there is no such model, the options do not fit, or another
            process trains the same.
        KeyboardInterrupt: Ctrl-C, once a checkpoint was written.
    """
    if precision == "float16":
        raise UserError("--precision float16: fine-tuning computes in float32 or bfloat16")
    stored = workspace.load_corpus(corpus_name)
    train, dev = stored.corpus.select("train"), stored.corpus.select("dev")
    check_split("train", train.layout)
    check_split("dev", dev.layout)
    encoder = _transformer(load_encoder(encoder_name, device=device, precision=precision))
    reference = EncoderReference(encoder_name, None, encoder.fingerprint)
    with limit_threads(threads):
        system = _new_system(encoder, options, train)
        request = _request(stored, reference, options)
        folder, resumed = _claim_folder(workspace.runs, options, request)
        start = Start(
            folder.name,
            encoder_name,
            *system.count_parameters(),
            encoder.device,
            system.backbone.precision,
            torch.get_num_threads(),
            resumed,
        )
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
            )
            draw_history(record, folder / "history.png")
            write_json(folder / RECORD, record.to_dict(), indent=1)
            for name in (CHECKPOINT, _UNFINISHED):
                (folder / name).unlink(missing_ok=True)
    (folder / _LOCK).unlink(missing_ok=True)  # after its release: Windows removes no open file
    return Run(folder, record)


def load_system(run: Run, device: str | None = None) -> System:
    """Make the system of a run with its trained weights.

    Args:
        run: of a fine-tuned system.
        device: that is to compute; None for the best.

    Raises:
        UserError: the model that it was trained from is gone or has changed, the run is damaged,
            or there is no such device.
    """
    state = load_weights(run.path / WEIGHTS)
    options = options_from(run.kind, run.record.options)
    encoder = _transformer(load_referenced(run.encoder, run.path, device=device))
    return restore_system(encoder, options, state)


def _transformer(encoder: Encoder) -> TransformerEncoder:
    if not isinstance(encoder, TransformerEncoder):
        raise UserError(f"{encoder.name} is not a single transformer: fine-tuning needs one")
    return encoder


def _new_system(encoder: TransformerEncoder, options: FinetuneOptions, train: Corpus) -> System:
    system = make_system(encoder, options)
    if options.freeze is None:
        text = system.backbone.tokenize(train.sentences, train.layout)
        special = [system.backbone.cls_token, system.backbone.sep_token]
        tokens = np.union1d(text.tokens, np.array(special, dtype=np.int64))
        system.backbone.train_embeddings_of(torch.from_numpy(tokens))
    return system.to(encoder.device)


def _request(
    stored: StoredCorpus, encoder: EncoderReference, options: FinetuneOptions
) -> dict[str, Any]:
    """Return the content of unfinished.json."""
    return {
        "kind": options.system,
        "corpus": stored.name,
        "corpus_digest": stored.digest,
        "encoder": asdict(encoder),
        "options": options.to_dict(),
    }


def _identity(request: dict[str, Any]) -> Identity:
    """Return the identity of the run that a call requests."""
    fingerprint = request["encoder"]["fingerprint"]
    return Identity.of(request["kind"], request["corpus_digest"], fingerprint, request["options"])


def _claim_folder(
    runs: Path, options: FinetuneOptions, request: dict[str, Any]
) -> tuple[Path, bool]:
    """Return the folder of a stopped run with the same identity, or else a new one."""
    for path in sorted(runs.glob(f"*/{_UNFINISHED}")):
        try:
            same = _identity(json.loads(path.read_text(encoding="utf-8"))) == _identity(request)
        except (ValueError, KeyError, TypeError, AttributeError):
            warn_once(f"skipped: {path} is damaged: delete the folder of this unfinished run")
            continue
        if same and not (path.parent / RECORD).exists():
            return path.parent, True
    runs.mkdir(parents=True, exist_ok=True)
    with scratch_folder(runs) as scratch:
        write_json(scratch / _UNFINISHED, request)
        return publish_run(scratch, runs, options.run_name), False


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other processes from the run while this one trains it."""
    try:
        with FileLock(folder / _LOCK, timeout=0):
            yield
    except Timeout as error:
        raise UserError(f"{folder.name} is being trained by another process") from error
