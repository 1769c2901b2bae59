"""The encoder that is fine-tuned, with its tokenizer."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from embedcache import UserError, normalize
from embedcache.encoders import TransformerEncoder, silence_transformers
from embedcache.encoders.model_settings import count_positions
from segclf.corpus.layout import Layout


@dataclass(frozen=True)
class Text:
    """Tokens of the sentences of documents; special tokens such as [CLS] are not included.

    Attributes:
        tokens: (t,) int64 token ids.
        starts: (n + 1,) int64; sentence i is tokens[starts[i] : starts[i + 1]].
        layout: Layout of the n sentences.
    """

    tokens: NDArray[np.int64]
    starts: NDArray[np.int64]
    layout: Layout

    def __len__(self) -> int:
        return len(self.starts) - 1


@dataclass(frozen=True)
class TokenRows:
    """A batch of token sequences.

    Attributes:
        ids: (b, t) int64 token ids.
        mask: (b, t) int64, 1 for tokens and 0 for padding.
        types: (b, t) int64 token types: 1 in the second of two segments, 0 elsewhere.
    """

    ids: NDArray[np.int64]
    mask: NDArray[np.int64]
    types: NDArray[np.int64]

    @classmethod
    def empty(cls, rows: int, length: int, padding: int) -> "TokenRows":
        """Make rows that contain only padding."""
        shape = (rows, length)
        return cls(
            np.full(shape, padding, dtype=np.int64),
            np.zeros(shape, dtype=np.int64),
            np.zeros(shape, dtype=np.int64),
        )


class Backbone(nn.Module):
    """A Hugging Face encoder with its tokenizer.

    Sentences are encoded without the encoder's prompt, which training makes unnecessary.

    Args:
        encoder: Encoder whose model is fine-tuned; its pooling is not used.
        checkpointing: Whether to recompute activations in the backward pass, to save memory.
        attention_dropout: Dropout rate of the attention weights; None for the rate in the
            encoder's configuration.

    Attributes:
        network: The Transformer, in float32 and without its pooler.
        dim: Length d of a hidden state.
        layers: Number of layers.
        max_tokens: Maximum number of tokens in a row, special tokens included.
        batch_tokens: Maximum number of tokens in a batch that is grouped by length.
        precision: "bfloat16" or "float32", the precision of the matrix products.
        cls_token: Id of [CLS].
        sep_token: Id of [SEP].
        padding: Id of the padding token.

    Raises:
        UserError: The encoder cannot be loaded as a Hugging Face model, its tokenizer lacks [CLS]
            or [SEP], or it does not support an option.
    """

    def __init__(
        self,
        encoder: TransformerEncoder,
        *,
        checkpointing: bool = False,
        attention_dropout: float | None = None,
    ) -> None:
        super().__init__()
        self.network, self._tokenizer = _load(encoder, attention_dropout)
        config = self.network.config
        self.dim = int(config.hidden_size)
        self.layers = int(config.num_hidden_layers)
        positions = count_positions(config.to_dict())
        self.max_tokens = min(positions, self._tokenizer.model_max_length)
        self.batch_tokens = encoder.batch_tokens
        # not float16: its gradients would have to be scaled
        self.precision = "bfloat16" if encoder.precision == "bfloat16" else "float32"
        self._has_token_types = getattr(config, "type_vocab_size", 1) > 1
        special = [self._tokenizer.cls_token_id, self._tokenizer.sep_token_id]
        if None in special:
            raise UserError(
                f"the tokenizer of {encoder.name} lacks [CLS] or [SEP]: choose another encoder"
            )
        self.cls_token, self.sep_token = (int(token) for token in special)
        self.padding = int(self._tokenizer.pad_token_id or 0)
        if checkpointing:
            _checkpoint_activations(self.network)

    @property
    def device(self) -> torch.device:
        """Device of the weights."""
        device: torch.device = next(self.network.parameters()).device
        return device

    def tokenize(self, sentences: list[str], layout: Layout) -> Text:
        """Tokenize the n sentences of a text with a given layout.

        Sentences are normalized first, so that the encoder cannot see indents or line breaks.
        """
        rows = self._tokenizer(
            [normalize(sentence) for sentence in sentences],
            add_special_tokens=False,
            return_attention_mask=False,
            return_token_type_ids=False,
            verbose=False,
        )["input_ids"]
        starts = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64)
        tokens = np.array([token for row in rows for token in row], dtype=np.int64)
        return Text(tokens, starts, layout)

    def freeze(self, layers: int) -> None:
        """Freeze the embeddings and the first layers of the encoder.

        Args:
            layers: Number of layers to freeze.

        Raises:
            UserError: The encoder has fewer layers, or its layers share weights.
        """
        if layers > self.layers:
            raise UserError(
                f"--freeze {layers}: the encoder has {self.layers} layers, so use at most "
                f"{self.layers}"
            )
        stacks = (
            module
            for module in self.network.modules()
            if isinstance(module, nn.ModuleList) and len(module) == self.layers
        )
        stack = next(stacks, None)
        if stack is None:
            raise UserError(
                f"--freeze is not supported by {type(self.network).__name__}, whose layers share "
                "weights: leave it out"
            )
        embeddings = getattr(self.network, "embeddings", self.network.get_input_embeddings())
        for module in (embeddings, *stack[:layers]):
            module.requires_grad_(False)

    def train_embeddings_of(self, tokens: Tensor) -> None:
        """Freeze all token embeddings except those of the given tokens.

        Args:
            tokens: (k,) int64 distinct token ids.
        """
        table = self.network.get_input_embeddings()
        self.network.set_input_embeddings(TrainedRows(table, tokens))

    def forward(self, rows: TokenRows) -> Tensor:
        """Return the last hidden states (b, t, d), float32, of rows (b, t)."""
        inputs = {"input_ids": rows.ids, "attention_mask": rows.mask}
        if self._has_token_types:
            inputs["token_type_ids"] = rows.types
        device = self.device
        with torch.autocast(device.type, torch.bfloat16, enabled=self.precision == "bfloat16"):
            states: Tensor = self.network(
                **{name: torch.from_numpy(array).to(device) for name, array in inputs.items()}
            ).last_hidden_state
        return states.float()


class TrainedRows(nn.Module):
    """Token embeddings of which only some are trained.

    The embeddings of tokens that do not occur in the training text always have the gradient 0. If
    the embeddings of a whole multilingual vocabulary were trained, the optimizer would process all
    of them in every step and every checkpoint would contain them, although most never change.

    Args:
        table: (v, d) embeddings of the vocabulary.
        tokens: (k,) int64 distinct ids of the tokens whose embeddings are trained.
    """

    def __init__(self, table: nn.Embedding, tokens: Tensor) -> None:
        super().__init__()
        self.table = table.requires_grad_(False)
        self.rows = nn.Parameter(table.weight[tokens].clone())
        self.word_tokens: Tensor
        self.register_buffer("word_tokens", tokens)
        row_of_token = torch.full((table.num_embeddings,), -1)  # -1 for tokens that are not trained
        row_of_token[tokens] = torch.arange(len(tokens))
        self.row_of_token: Tensor
        self.register_buffer("row_of_token", row_of_token, persistent=False)

    def forward(self, ids: Tensor) -> Tensor:
        """Return the embeddings (..., d) of token ids (...)."""
        rows = self.row_of_token[ids]
        trained = F.embedding(rows.clamp(min=0), self.rows)
        return torch.where((rows >= 0)[..., None], trained, self.table(ids))


def _checkpoint_activations(network: Any) -> None:  # noqa: ANN401
    enable = getattr(network, "activation_checkpointing_enable", None)
    enable = enable or network.gradient_checkpointing_enable  # the name in early transformers 5
    try:
        enable({"use_reentrant": False})
    except ValueError as error:
        raise UserError(
            f"--checkpointing is not supported by {type(network).__name__}: leave it out"
        ) from error
    network.disable_input_require_grads()  # otherwise frozen layers would compute gradients


def _set_attention_dropout(config: Any, rate: float) -> None:  # noqa: ANN401
    for name in ("attention_probs_dropout_prob", "attention_dropout"):  # BERT and others
        if hasattr(config, name):
            setattr(config, name, rate)
            return
    raise UserError(
        f"--attention-dropout is not supported by {config.model_type} encoders: leave it out"
    )


def _load(encoder: TransformerEncoder, attention_dropout: float | None) -> tuple[Any, Any]:
    """Load the model, without its pooler, and the tokenizer."""
    from transformers import AutoConfig, AutoModel, AutoTokenizer

    silence_transformers()
    directory = encoder.transformer_directory
    try:
        # otherwise transformers would ask on a terminal whether to run custom code of the model
        options: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
        tokenizer = AutoTokenizer.from_pretrained(directory, **options)
        config = AutoConfig.from_pretrained(directory, **options)
        if encoder.layer is not None:
            config.num_hidden_layers = encoder.layer
        if attention_dropout is not None:
            _set_attention_dropout(config, attention_dropout)
        network = AutoModel.from_pretrained(
            directory, config=config, dtype=torch.float32, **options
        )
    except UserError:
        raise
    except (OSError, ValueError, ImportError) as error:
        raise UserError(
            f"{encoder.name} cannot be loaded as a Hugging Face encoder: "
            f"{str(error).strip().splitlines()[0]}"
        ) from error
    if getattr(network, "pooler", None) is not None:
        network.pooler = None
    return network, tokenizer
