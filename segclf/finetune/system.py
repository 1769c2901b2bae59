"""Base class of fine-tuned systems."""

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from embedcache import UserError
from segclf.finetune.backbone import Backbone, Text, TrainedRows


class System(nn.Module):
    """An encoder and a classifier of its hidden states, which are trained together.

    Args:
        backbone: Encoder to fine-tune.
    """

    def __init__(self, backbone: Backbone) -> None:
        super().__init__()
        self.backbone = backbone

    def prepare(self, text: Text) -> None:
        """Initialize the parts that depend on the training text, before the first step."""

    def groups(self, text: Text, size: int, random: np.random.Generator) -> list[NDArray[np.int64]]:
        """Divide the candidates of an epoch into groups, one for each training step.

        Args:
            text: Training text.
            size: Maximum number of candidates in a group.
            random: Random generator for the order.

        Returns:
            Groups of candidates, each (b,) int64 positions of sentences in the text.
        """
        raise NotImplementedError

    def forward(self, text: Text, candidates: NDArray[np.int64]) -> Tensor:
        """Return the logits (b,) of candidates (b,), given as sentence positions in the text."""
        raise NotImplementedError

    def predict(self, text: Text, *, progress: bool = False) -> NDArray[np.float32]:
        """Predict a probability for every sentence, in evaluation mode.

        Args:
            text: Text of n sentences.
            progress: Whether to show a progress bar on standard error.

        Returns:
            (n,) float32, the probability that each sentence begins a paragraph, before calibration.
            Only the values of candidates are meaningful.
        """
        raise NotImplementedError

    def count_parameters(self) -> tuple[int, int]:
        """Return the number of all parameters and the number of trained parameters."""
        parameters = list(self.parameters())
        total = sum(parameter.numel() for parameter in parameters)
        trained = sum(parameter.numel() for parameter in parameters if parameter.requires_grad)
        copied = sum(  # parameters that the table of embeddings also contains
            module.rows.numel() for module in self.modules() if isinstance(module, TrainedRows)
        )
        return total - copied, trained

    def trained_state(self) -> dict[str, Tensor]:
        """Return the trained parameters and all persistent buffers, by name."""
        frozen = {
            name for name, parameter in self.named_parameters() if not parameter.requires_grad
        }
        return {name: tensor for name, tensor in self.state_dict().items() if name not in frozen}

    def load_trained_state(self, state: dict[str, Tensor]) -> None:
        """Load weights that `trained_state` returned.

        Raises:
            UserError: The names or shapes of the tensors differ from those of this system.
        """
        expected = {name: tensor.shape for name, tensor in self.trained_state().items()}
        given = {name: tensor.shape for name, tensor in state.items()}
        if given != expected:
            raise UserError(
                "these weights were saved by an incompatible version of segtool: delete the run "
                "and train it again"
            )
        self.load_state_dict(state, strict=False)
