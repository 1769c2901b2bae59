"""The Transformer over whole documents, whatever its attention; see local and linear."""

from collections.abc import Callable

from torch import Tensor, nn

from segclf.heads.base import Dropout, feed_forward
from segclf.heads.document import DocumentHead

NEIGHBOURS = 4  # sentences on each side that a position is told by


class DocumentTransformer(DocumentHead):
    """Vaswani et al. 2017, layer normalisation first, with an attention of the subclass.

    Before each layer a depthwise convolution tells a sentence its neighbours: the conditional
    position encoding of Chu et al. 2021. It holds no absolute position, so a document may be
    longer than any seen in training.
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
        """Mix the values of each document.

        Args:
            queries: (m, l, a, c), of a attention heads.
            keys: likewise.
            values: likewise.
            inside: (m, l) bool, where there is a sentence.

        Returns:
            (m, l, a, c).
        """
        raise NotImplementedError

    def encode(self, inputs: Tensor, inside: Tensor) -> Tensor:
        """Return the states (m, l, h) of inputs (m, l, h)."""
        states = inputs
        for layer in self.layers:
            states = layer(states, inside, self.attend)
        normalised: Tensor = self.norm(states)
        return normalised


class Layer(nn.Module):
    """Position, attention and feed-forward network, each added to what came before."""

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
        """Return the next states (m, l, h) of states (m, l, h)."""
        known = (states * inside[..., None]).transpose(1, 2)  # (m, h, l)
        states = states + self.convolution(known).transpose(1, 2)
        queries, keys, values = (
            part.unflatten(2, (self.attention_heads, -1))
            for part in self.split(states).chunk(3, dim=2)
        )  # (m, l, a, c)
        states = states + self.join(attend(queries, keys, values, inside).flatten(2))
        added: Tensor = self.feed_forward(states)
        return states + added
