"""Checkpoints: what a stopped run needs to go on as if nothing had happened.

One safetensors file holds the trained weights and AdamW's moments; its header holds, as JSON, how
far the run has come. Random numbers need no room: the seed of a step follows from its number.
"""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor

from segclf.finetune.system import System
from segclf.training.epochs import Epoch
from segclf.workspace.weights import save_weights

CHECKPOINT = "checkpoint.safetensors"
_WEIGHTS, _MOMENTS = "weights/", "moments/"


@dataclass
class Progress:
    """How far a run has come.

    Attributes:
        epoch: now in training.
        step: of it that comes next.
        loss: summed over the candidates of the epoch so far.
        candidates: of the epoch so far.
        seconds: of training in the epoch so far.
        history: the epochs that are over.
        best: number of the best of them.
        collapsed: whether that one says the same of every dev candidate.
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
    """Write a checkpoint in place of the one before, whole or not at all."""
    tensors = {_WEIGHTS + name: tensor for name, tensor in system.trained_state().items()}
    for number, moments in optimizer.state_dict()["state"].items():
        tensors |= {f"{_MOMENTS}{number}/{name}": tensor for name, tensor in moments.items()}
    save_weights(folder / CHECKPOINT, tensors, {"progress": json.dumps(asdict(progress))})


def load_checkpoint(
    folder: Path, system: System, optimizer: torch.optim.Optimizer
) -> Progress | None:
    """Restore system and optimizer from the checkpoint; return None if there is none."""
    path = folder / CHECKPOINT
    if not path.exists():
        return None
    with safe_open(path, "pt") as file:
        content = json.loads(file.metadata()["progress"])
    tensors = load_file(path)
    system.load_trained_state(_below(tensors, _WEIGHTS))
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in _below(tensors, _MOMENTS).items():
        number, moment = name.split("/")
        # a copy: the tensor maps the file, and Windows cannot replace a mapped file
        state.setdefault(int(number), {})[moment] = tensor.clone()
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})
    return Progress(**content | {"history": [Epoch(**epoch) for epoch in content["history"]]})


def _below(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): tensor
        for name, tensor in tensors.items()
        if name.startswith(prefix)
    }
