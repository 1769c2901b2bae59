"""Identity of a tokenizer, read from its files, for the fingerprint of a model."""

import json
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

from embedcache.errors import UserError
from embedcache.hashing import hash_files

_MAIN = "tokenizer.json"
_FILES = (_MAIN, "vocab.txt", "*.model", "merges.txt", "vocab.json")
_OTHERS = (  # files of tokenizers without tokenizer.json
    "*.codes",
    "*.spm",
    "*.tokenizer",
    "byte_maps.json",
    "dict.txt",
    "emoji.json",
    "entity_vocab.json",
    "tekken.json",
    "tokenizer.model.*",
)
# usual texts of special tokens; an entry of special_tokens_map.json with another text changes the
# identity unless tokenizer_config.json has the same entry
_USUAL_TOKENS = {
    "bos_token": ("[CLS]", "<s>", "<|endoftext|>"),
    "cls_token": ("[CLS]", "<s>"),
    "eos_token": ("[SEP]", "</s>", "<|endoftext|>"),
    "mask_token": ("[MASK]", "<mask>"),
    "pad_token": ("[PAD]", "<pad>"),
    "sep_token": ("[SEP]", "</s>"),
    "unk_token": ("[UNK]", "<unk>", "<|endoftext|>"),
}


def tokenizer_identity(folder: Path, config: dict[str, Any]) -> dict[str, Any]:
    """Return the identity of a tokenizer, except for tokenizer_config.json.

    It includes entries of added_tokens.json and special_tokens_map.json only if they add something
    to tokenizer.json and tokenizer_config.json, because earlier versions ignored these two files
    and the fingerprints of stored vectors must not change. If tokenizer_config.json has
    `added_tokens_decoder`, both files are ignored.

    Args:
        folder: Folder of the Transformer.
        config: Content of its tokenizer_config.json.

    Raises:
        UserError: A file is damaged.
    """
    identity: dict[str, Any] = {"tokenizer": _hash_found(folder, _FILES)}
    others = [] if (folder / _MAIN).exists() else [*_OTHERS]
    # transformers chooses one of these files according to its own version
    if "fast_tokenizer_files" in config:
        others.append("tokenizer.*.json")
    if any(found for pattern in others for found in folder.glob(pattern)):
        identity["tokenizer_files"] = _hash_found(folder, others)
    if "added_tokens_decoder" in config:
        # with this entry, transformers ignores added_tokens.json and special_tokens_map.json
        return identity

    # tokenizer.json may be large and is rarely needed, so it is read at most once
    @cache
    def known() -> dict[str, bool]:
        """Return the added tokens of tokenizer.json, and whether each is special."""
        entries = read_json(folder / _MAIN).get("added_tokens", ())
        return {entry["content"]: bool(entry["special"]) for entry in entries}

    added = read_json(folder / "added_tokens.json")
    special = read_json(folder / "special_tokens_map.json")
    extra = {
        "added_tokens": {token: id_ for token, id_ in added.items() if token not in known()},
        "special_tokens": {
            name: value
            for name, value in special.items()
            if not _is_redundant(name, value, config, known)
        },
    }
    return identity | {name: found for name, found in extra.items() if found}


def _is_redundant(
    name: str,
    value: Any,  # noqa: ANN401
    config: dict[str, Any],
    known: Callable[[], dict[str, bool]],
) -> bool:
    """Return whether an entry of special_tokens_map.json only repeats what other files contain."""
    if _plain(value) == _plain(config.get(name)):
        return True
    if isinstance(value, list):
        return all(known().get(_text(item), False) for item in value)
    usual = (_text(config[name]),) if name in config else _USUAL_TOKENS.get(name, ())
    if _text(value) not in usual:
        return False
    return known().get(_text(value), False) or (isinstance(value, str) and not known())


def _plain(value: Any) -> Any:  # noqa: ANN401
    """Return a token without its fields `__type` and `special`.

    Tokens from both files can then be compared.
    """
    if not isinstance(value, dict):
        return value
    return {name: found for name, found in value.items() if name not in ("__type", "special")}


def _text(token: Any) -> Any:  # noqa: ANN401
    return token["content"] if isinstance(token, dict) else token


def _hash_found(folder: Path, patterns: Iterable[str]) -> str:
    return hash_files(path for pattern in patterns for path in folder.glob(pattern))


def read_json(path: Path) -> Any:  # noqa: ANN401
    """Return the content of a JSON file of a model; {} if the file is missing.

    Raises:
        UserError: The file is damaged.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is damaged: copy or download the model again") from error
