"""The encoder that is fine-tuned: sentences to tokens, tokens to states."""

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
    """Documents as tokens, without special ones.

    Attributes:
        tokens: (t,) int64.
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
    """What the encoder reads in one pass.

    Attributes:
        ids: (b, t) int64.
        mask: (b, t) int64, 0 where there is padding.
        types: (b, t) int64, 1 for the second of two segments.
    """

    ids: NDArray[np.int64]
    mask: NDArray[np.int64]
    types: NDArray[np.int64]

    @classmethod
    def empty(cls, rows: int, length: int, padding: int) -> "TokenRows":
        """Make rows of nothing but padding."""
        shape = (rows, length)
        return cls(
            np.full(shape, padding, dtype=np.int64),
            np.zeros(shape, dtype=np.int64),
            np.zeros(shape, dtype=np.int64),
        )


class Backbone(nn.Module):
    """A Hugging Face encoder with its tokenizer.

    No prompt is put before a sentence: what it would say, training says.

    Args:
        encoder: whose model to take; its pooling is of no account here.
        checkpointing: compute activations again in the backward pass.
        attention_dropout: in place of the encoder's own.

    Raises:
        UserError: its tokenizer has no [CLS] and [SEP], or its attention's dropout is not known.
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
        # float16 would need its gradients scaled
        self.precision = "bfloat16" if encoder.precision == "bfloat16" else "float32"
        self._typed = getattr(config, "type_vocab_size", 1) > 1
        special = [self._tokenizer.cls_token_id, self._tokenizer.sep_token_id]
        if None in special:
            raise UserError(f"the tokenizer of {encoder.name} has no [CLS] and [SEP] to train with")
        self.cls_token, self.sep_token = (int(token) for token in special)
        self.padding = int(self._tokenizer.pad_token_id or 0)
        if checkpointing:
            _checkpoint_activations(self.network)

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        device: torch.device = next(self.network.parameters()).device
        return device

    def tokenize(self, sentences: list[str], layout: Layout) -> Text:
        """Cut sentences into tokens; they are normalised first, so no layout gets through.

        Args:
            sentences: n sentences.
            layout: Layout of the n sentences.
        """
        rows = self._tokenizer(
            [normalize(sentence) for sentence in sentences],
            add_special_tokens=False,
            return_attention_mask=False,
            return_token_type_ids=False,
            verbose=False,
        )["input_ids"]
        starts = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64)
        tokens = np.concatenate([np.zeros(0, np.int64), *(np.array(r, np.int64) for r in rows)])
        return Text(tokens, starts, layout)

    def freeze(self, layers: int) -> None:
        """Keep the embeddings and the first layers as they are.

        Raises:
            UserError: there are not so many layers.
        """
        if layers > self.layers:
            raise UserError(f"--freeze {layers}: the encoder has {self.layers} layers")
        stacks = (
            module
            for module in self.network.modules()
            if isinstance(module, nn.ModuleList) and len(module) == self.layers
        )
        stack = next(stacks, None)
        if stack is None:
            raise UserError(f"--freeze: a {type(self.network).__name__} shares its layers' weights")
        embeddings = getattr(self.network, "embeddings", self.network.get_input_embeddings())
        for module in (embeddings, *stack[:layers]):
            module.requires_grad_(False)

    def train_embeddings_of(self, tokens: Tensor) -> None:
        """Of the word embeddings train those of some tokens, (k,) int64 different ones."""
        table = self.network.get_input_embeddings()
        self.network.set_input_embeddings(TrainedRows(table, tokens))

    def forward(self, rows: TokenRows) -> Tensor:
        """Return the states (b, t, d) float32 of the last layer."""
        inputs = {"input_ids": rows.ids, "attention_mask": rows.mask}
        if self._typed:
            inputs["token_type_ids"] = rows.types
        device = self.device
        with torch.autocast(device.type, torch.bfloat16, enabled=self.precision == "bfloat16"):
            states: Tensor = self.network(
                **{name: torch.from_numpy(array).to(device) for name, array in inputs.items()}
            ).last_hidden_state
        return states.float()


class TrainedRows(nn.Module):
    """Word embeddings, of which only those of the tokens in the training text are trained.

    The others have no gradient and would never change. Multilingual vocabularies are large: left
    among the trained parameters, the rows that never change would be copied, squared and written
    at every step and in every checkpoint.

    Args:
        table: of the whole vocabulary, (v, d).
        tokens: (k,) int64, those to train.
    """

    def __init__(self, table: nn.Embedding, tokens: Tensor) -> None:
        super().__init__()
        self.table = table.requires_grad_(False)
        self.rows = nn.Parameter(table.weight[tokens].clone())
        self.word_tokens: Tensor
        self.register_buffer("word_tokens", tokens)
        places = torch.full((table.num_embeddings,), -1)
        places[tokens] = torch.arange(len(tokens))
        self.places: Tensor
        self.register_buffer("places", places, persistent=False)

    def forward(self, ids: Tensor) -> Tensor:
        """Return the embeddings (..., d) of ids (...)."""
        places = self.places[ids]
        trained = F.embedding(places.clamp(min=0), self.rows)
        return torch.where((places >= 0)[..., None], trained, self.table(ids))


def _checkpoint_activations(network: Any) -> None:  # noqa: ANN401
    enable = getattr(network, "activation_checkpointing_enable", None)
    enable = enable or network.gradient_checkpointing_enable  # its name in early transformers 5
    try:
        enable({"use_reentrant": False})
    except ValueError as error:
        raise UserError(f"--checkpointing: {type(network).__name__} cannot do it") from error
    network.disable_input_require_grads()  # they would lead gradients through frozen layers


def _set_attention_dropout(config: Any, share: float) -> None:  # noqa: ANN401
    for name in ("attention_probs_dropout_prob", "attention_dropout"):  # BERT and others
        if hasattr(config, name):
            setattr(config, name, share)
            return
    raise UserError(f"--attention-dropout: a {config.model_type} encoder has none to set")


def _load(encoder: TransformerEncoder, attention_dropout: float | None) -> tuple[Any, Any]:
    """Load model and tokenizer; an unused pooler is left out."""
    from transformers import AutoConfig, AutoModel, AutoTokenizer

    silence_transformers()
    directory = encoder.directory
    try:
        tokenizer = AutoTokenizer.from_pretrained(directory, local_files_only=True)
        config = AutoConfig.from_pretrained(directory, local_files_only=True)
        if encoder.layer is not None:
            config.num_hidden_layers = encoder.layer
        if attention_dropout is not None:
            _set_attention_dropout(config, attention_dropout)
        network = AutoModel.from_pretrained(
            directory, config=config, dtype=torch.float32, local_files_only=True
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
