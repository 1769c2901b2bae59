"""sentence-transformers: `SentenceTransformer.encode`, with the vectors kept in a store."""

import os
from inspect import signature
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from sentence_transformers import SentenceTransformer
from xxhash import xxh3_128

from embedcache.errors import UserError
from embedcache.hashing import hash_files
from embedcache.integrations.text_cache import TextCache
from embedcache.store import EmbeddingStore

_WITHOUT_EFFECT = (
    *("batch_size", "show_progress_bar", "device", "pool", "chunk_size"),
    *("convert_to_numpy", "convert_to_tensor"),
)
"""Options of `encode` on which the numbers in a vector do not depend."""
_REQUIRED = {"output_value": "sentence_embedding", "precision": "float32"}
"""Values that options of `encode` must have."""
_ATTRIBUTES = ("model", "_name", "_store", "_fingerprints")
"""Attributes of a cached model itself; all others are those of its model."""


class CachedSentenceTransformer:
    """A sentence-transformers model that encodes each text once.

    Its other attributes and methods are those of the model. Attributes such as `max_seq_length` may
    also be set. The key of a vector is a hash of the weights, the modules, the tokenizer and the
    settings of the model, and of the options of `encode` that change the vector, such as the
    prompt. After training the model further, make a new object.

    Args:
        model: Model, or the name or folder of one.
        store: Store, or its folder, which is created if it is missing. Several processes may use
            it.

    Raises:
        StoreError: The store is damaged, or it cannot be created.

    Example:
        >>> model = CachedSentenceTransformer("all-MiniLM-L6-v2", "vectors")
        >>> model.encode(["It rained."]).shape
        (1, 384)
    """

    def __init__(
        self, model: SentenceTransformer | str, store: EmbeddingStore | str | os.PathLike[str]
    ) -> None:
        self.model = SentenceTransformer(model) if isinstance(model, str) else model
        self._name = model if isinstance(model, str) else type(model).__name__
        self._store = store if isinstance(store, EmbeddingStore) else EmbeddingStore(store)
        self._fingerprints: dict[str, str] = {}

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        if name in _ATTRIBUTES:  # they are not set yet while an object is copied
            raise AttributeError(name)
        return getattr(self.model, name)

    def __setattr__(self, name: str, value: object) -> None:
        if name in _ATTRIBUTES:
            super().__setattr__(name, value)
        else:
            setattr(self.model, name, value)

    def encode(self, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401
        """Return the same as `encode` of the model, given the same arguments.

        Raises:
            UserError: `output_value` is not "sentence_embedding", or `precision` is not "float32".
            StoreError: The store is damaged, or vectors must be added and it is read-only or of an
                earlier format.
            ValueError: The model returns NaN or infinity.
        """
        bound = signature(self.model.encode).bind(*arguments, **options)
        bound.apply_defaults()
        inputs, *_ = bound.args
        given = {name: bound.arguments[name] for name in list(bound.arguments)[1:]}
        given |= given.pop("kwargs", {})
        for name, value in _REQUIRED.items():
            if given[name] != value:
                raise UserError(f"only {name}={value!r} is cached: use model.encode for the others")
        to_tensor, to_numpy = given.pop("convert_to_tensor"), given.pop("convert_to_numpy")
        effective = {key: given[key] for key in given.keys() - set(_WITHOUT_EFFECT)}
        identity = {"sentence-transformers": self._fingerprint(), **effective}
        texts = [inputs] if isinstance(inputs, str) else list(inputs)
        vectors = TextCache(self._store, self._name, identity).embed(
            texts, lambda missing: self.model.encode(missing, **given)
        )
        found: Any = vectors if to_numpy and not to_tensor else torch.from_numpy(vectors)
        if to_tensor:
            found = found.to(self.model.device)
        elif not to_numpy:
            found = list(found)
        return found[0] if isinstance(inputs, str) else found

    def _fingerprint(self) -> str:
        """Return the fingerprint of the model; weights are hashed again only for new settings."""
        settings = repr(_settings_of(self.model))
        if settings not in self._fingerprints:
            self._fingerprints[settings] = fingerprint_of_model(self.model)
        return self._fingerprints[settings]

    encode_query = SentenceTransformer.encode_query  # they call `encode` of this class
    encode_document = SentenceTransformer.encode_document


def fingerprint_of_model(model: SentenceTransformer) -> str:
    """Hash everything in a model that its vectors depend on: 32 hexadecimal digits."""
    digest = xxh3_128(repr(model).encode())
    digest.update(repr(_settings_of(model)).encode())
    digest.update(_content_of_tokenizer(model.tokenizer).encode())
    for name, weights in model.state_dict().items():
        digest.update(name.encode())
        flat = weights.detach().cpu().contiguous().reshape(-1)  # a single number has no axis
        digest.update(flat.view(torch.uint8).numpy())
    return digest.hexdigest()


def _content_of_tokenizer(tokenizer: Any) -> str:  # noqa: ANN401
    """Return a tokenizer as JSON, or the hash of its files if it is written in Python."""
    backend = getattr(tokenizer, "backend_tokenizer", tokenizer)
    if hasattr(backend, "to_str"):
        content: str = backend.to_str()
        return content
    with TemporaryDirectory() as folder:
        tokenizer.save_pretrained(folder)
        return hash_files(path for path in Path(folder).rglob("*") if path.is_file())


def _settings_of(model: SentenceTransformer) -> tuple[object, ...]:
    """Return the settings that a user may change between two calls of `encode`."""
    return model.max_seq_length, model.prompts, model.default_prompt_name, model.truncate_dim
