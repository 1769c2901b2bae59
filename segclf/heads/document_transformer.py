"""Base class of Transformers over whole documents; subclasses define the attention."""

from collections.abc import Callable

from torch import Tensor, nn

from segclf.heads.base import Dropout, feed_forward
from segclf.heads.document import DocumentHead

NEIGHBOURS = 4  # number of sentences on each side that the positional convolution covers


class DocumentTransformer(DocumentHead):
    """A pre-norm Transformer encoder (Vaswani et al. 2017) whose attention a subclass defines.

    Positions are encoded by a depthwise convolution over the neighbouring sentences before each
    layer (conditional positional encoding, Chu et al. 2021). There are no absolute positions, so a
    document may be longer than any training document.
    """

    def __init__(
        self,
        dim: int,
        *,
        hidden: int = 128,
        layers: int = 2,
        attention_heads: int = 4,
        dropout: float = 0.3,
    ) -> None:
        super().__init__(dim, hidden, hidden, dropout)
        self.layers = nn.ModuleList(Layer(hidden, attention_heads, dropout) for _ in range(layers))
        self.norm = nn.LayerNorm(hidden)

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
    """Positional convolution, attention and feed-forward network, with residual connections."""

    def __init__(self, hidden: int, attention_heads: int, dropout: float) -> None:
        super().__init__()
        self.attention_heads = attention_heads
        self.convolution = nn.Conv1d(
            hidden, hidden, 2 * NEIGHBOURS + 1, padding=NEIGHBOURS, groups=hidden
        )
        self.split = nn.Sequential(nn.LayerNorm(hidden), nn.Linear(hidden, 3 * hidden))
        self.join = nn.Sequential(nn.Linear(hidden, hidden), Dropout(dropout))
        self.feed_forward = feed_forward(hidden, dropout)

    def forward(self, states: Tensor, inside: Tensor, attend: Callable[..., Tensor]) -> Tensor:
        """Return the states (m, l, h) after this layer, given those before it (m, l, h)."""
        masked = (states * inside[..., None]).transpose(1, 2)  # (m, h, l)
        states = states + self.convolution(masked).transpose(1, 2)
        queries, keys, values = (
            part.unflatten(2, (self.attention_heads, -1))
            for part in self.split(states).chunk(3, dim=2)
        )  # (m, l, a, c)
        states = states + self.join(attend(queries, keys, values, inside).flatten(2))
        update: Tensor = self.feed_forward(states)
        return states + update
