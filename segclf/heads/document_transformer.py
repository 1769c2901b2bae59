"""Base class of Transformers over whole documents; subclasses define the attention."""

from collections.abc import Callable

from torch import Tensor, nn

from segclf.heads.base import Dropout, feed_forward
from segclf.heads.document import DocumentHead

NEIGHBOURS = 4  # number of sentences on each side that the positional convolution covers
HIDDEN = 128  # length of a state
LAYERS = 2
ATTENTION_HEADS = 4
DROPOUT = 0.3


class DocumentTransformer(DocumentHead):
    """A Transformer encoder (Vaswani et al. 2017) whose attention a subclass defines.

    Layer normalization precedes attention and feed-forward network (pre-norm, Xiong et al. 2020).
    Positions are encoded by a depthwise convolution over the neighbouring sentences at the
    beginning of each layer (conditional positional encoding, Chu et al. 2021). There are no
    absolute positions, so a document may be longer than any training document.

    Args:
        dim: Length of a sentence vector.
    """

    def __init__(self, dim: int) -> None:
        super().__init__(dim, HIDDEN, HIDDEN, DROPOUT)
        self.layers = nn.ModuleList(Layer() for _ in range(LAYERS))
        self.norm = nn.LayerNorm(HIDDEN)

    def attend(self, queries: Tensor, keys: Tensor, values: Tensor, inside: Tensor) -> Tensor:
        """Compute the attention within each document.

        Args:
            queries: (m, l, a, c), for `a` attention heads of size c.
            keys: (m, l, a, c).
            values: (m, l, a, c).
            inside: (m, l) bool, False for padding.

        Returns:
            (m, l, a, c); the values for padding are ignored.
        """
        raise NotImplementedError

    def encode(self, inputs: Tensor, inside: Tensor) -> Tensor:
        """Return the states (m, l, h) of inputs (m, l, h)."""
        states = inputs
        for layer in self.layers:
            states = layer(states, inside, self.attend)
        normalized: Tensor = self.norm(states)
        return normalized


class Layer(nn.Module):
    """Positional convolution, attention and feed-forward network, with residual connections.

    Attributes:
        convolution: Positional encoding, (m, h, l) to (m, h, l).
        split: Projects states (m, l, h) to queries, keys and values, (m, l, 3h) together.
        join: Projects the concatenated outputs of the attention heads, (m, l, h) to (m, l, h).
        feed_forward: Feed-forward sublayer, (m, l, h) to (m, l, h).
    """

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv1d(
            HIDDEN, HIDDEN, 2 * NEIGHBOURS + 1, padding=NEIGHBOURS, groups=HIDDEN
        )
        self.split = nn.Sequential(nn.LayerNorm(HIDDEN), nn.Linear(HIDDEN, 3 * HIDDEN))
        self.join = nn.Sequential(nn.Linear(HIDDEN, HIDDEN), Dropout(DROPOUT))
        self.feed_forward = feed_forward(HIDDEN, DROPOUT)

    def forward(self, states: Tensor, inside: Tensor, attend: Callable[..., Tensor]) -> Tensor:
        """Return the states (m, l, h) after this layer.

        Args:
            states: (m, l, h) states before this layer.
            inside: (m, l) bool, False for padding.
            attend: `DocumentTransformer.attend` of the head.
        """
        masked = (states * inside[..., None]).transpose(1, 2)  # (m, h, l)
        states = states + self.convolution(masked).transpose(1, 2)
        queries, keys, values = (
            part.unflatten(2, (ATTENTION_HEADS, -1)) for part in self.split(states).chunk(3, dim=2)
        )  # (m, l, a, c)
        states = states + self.join(attend(queries, keys, values, inside).flatten(2))
        update: Tensor = self.feed_forward(states)
        return states + update
