"""What the two systems have in common."""

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from embedcache import UserError
from segclf.finetune.backbone import Backbone, Text, TrainedRows


class System(nn.Module):
    """An encoder and a classifier above it, trained together.

    Args:
        backbone: the encoder.
    """

    def __init__(self, backbone: Backbone) -> None:
        super().__init__()
        self.backbone = backbone

    def prepare(self, text: Text) -> None:
        """Set what depends on the training text before the first step."""

    def groups(self, text: Text, size: int, random: np.random.Generator) -> list[NDArray[np.int64]]:
        """Deal the candidates of an epoch into groups of about a size, a group a step."""
        raise NotImplementedError

    def forward(self, text: Text, candidates: NDArray[np.int64]) -> Tensor:
        """Return the logits (b,) of candidates (b,), sentences of the text."""
        raise NotImplementedError

    def predict(self, text: Text, *, progress: bool = False) -> NDArray[np.float32]:
        """Return the probability (n,) that a paragraph begins with each sentence."""
        raise NotImplementedError

    def new_parameters(self) -> list[nn.Parameter]:
        """Return the parameters that did not come with the encoder."""
        return [
            parameter
            for name, parameter in self.named_parameters()
            if not name.startswith("backbone.")
        ]

    def count_parameters(self) -> tuple[int, int]:
        """Count the parameters, all of them and those that are trained."""
        parameters = list(self.parameters())
        trained = sum(p.numel() for p in parameters if p.requires_grad)
        copied = sum(m.rows.numel() for m in self.modules() if isinstance(m, TrainedRows))
        return sum(p.numel() for p in parameters) - copied, trained

    def trained_state(self) -> dict[str, Tensor]:
        """Return what training may change: every parameter and buffer that is not frozen."""
        frozen = {name for name, p in self.named_parameters() if not p.requires_grad}
        return {name: t for name, t in self.state_dict().items() if name not in frozen}

    def load_trained_state(self, state: dict[str, Tensor]) -> None:
        """Put back what `trained_state` returned.

        Raises:
            UserError: it is of a system that was made otherwise.
        """
        shapes = ({n: t.shape for n, t in s.items()} for s in (self.trained_state(), state))
        if next(shapes) != next(shapes):
            raise UserError(
                "these weights are another version's, whose systems were made otherwise: delete "
                "the run and train it again"
            )
        self.load_state_dict(state, strict=False)
