"""Checkpoints from which an interrupted run resumes with the same result.

One safetensors file holds the trained weights and the moments of AdamW. Its header holds the
progress of the run as JSON. The state of the random generators is not saved, since the seed of each
step is derived from the seed of the run and the number of the step.
"""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import Tensor

from embedcache import UserError
from segclf.finetune.system import System
from segclf.training.epochs import Epoch
from segclf.workspace.weights import save_weights

CHECKPOINT = "checkpoint.safetensors"
_WEIGHTS_PREFIX, _MOMENTS_PREFIX = "weights/", "moments/"


@dataclass
class Progress:
    """Progress of a run.

    Attributes:
        epoch: Number of the current epoch.
        step: Number of the next step of the current epoch, counted from 0.
        loss: Sum of the losses of the candidates in the current epoch so far.
        candidates: Number of candidates in the current epoch so far.
        seconds: Training time of the current epoch so far.
        history: Finished epochs, beginning with epoch 0, which has the scores before training.
        best: Number of the best finished epoch; 0 until epoch 1 is finished.
        collapsed: Whether the best epoch predicts the same class for every dev candidate.
    """

    epoch: int = 1
    step: int = 0
    loss: float = 0.0
    candidates: int = 0
    seconds: float = 0.0
    history: list[Epoch] = field(default_factory=list)
    best: int = 0
    collapsed: bool = False


def save_checkpoint(
    folder: Path, progress: Progress, system: System, optimizer: torch.optim.Optimizer
) -> None:
    """Write a checkpoint, replacing the previous one atomically."""
    tensors = {_WEIGHTS_PREFIX + name: tensor for name, tensor in system.trained_state().items()}
    for number, moments in optimizer.state_dict()["state"].items():
        tensors |= {f"{_MOMENTS_PREFIX}{number}/{name}": tensor for name, tensor in moments.items()}
    save_weights(folder / CHECKPOINT, tensors, {"progress": json.dumps(asdict(progress))})


def load_checkpoint(
    folder: Path, system: System, optimizer: torch.optim.Optimizer
) -> Progress | None:
    """Restore a system and its optimizer from a checkpoint.

    Returns:
        Progress of the run; None if there is no checkpoint.

    Raises:
        UserError: The checkpoint is damaged, or its weights are not those of this system.
    """
    path = folder / CHECKPOINT
    if not path.exists():
        return None
    progress, tensors = _read(path)
    system.load_trained_state(_with_prefix(tensors, _WEIGHTS_PREFIX))
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in _with_prefix(tensors, _MOMENTS_PREFIX).items():
        number, moment = name.split("/")
        # copied, since the tensor is a memory map of the file, which Windows could not replace
        state.setdefault(int(number), {})[moment] = tensor.clone()
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})
    return progress


def _read(path: Path) -> tuple[Progress, dict[str, Tensor]]:
    try:
        with safe_open(path, "pt") as file:
            content = json.loads(file.metadata()["progress"])
        history = [Epoch(**epoch) for epoch in content["history"]]
        return Progress(**content | {"history": history}), load_file(path)
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise UserError(
            f"{path} is damaged ({error}): delete it, and the same command trains from the start"
        ) from error


def _with_prefix(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): tensor
        for name, tensor in tensors.items()
        if name.startswith(prefix)
    }
