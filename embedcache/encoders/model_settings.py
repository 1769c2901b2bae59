"""Settings of a Transformer, read from its folder without loading the model."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from embedcache.encoders.tokenizer_files import read_json, tokenizer_identity
from embedcache.errors import UserError
from embedcache.hashing import fingerprint_of, hash_files
from embedcache.terminal import printable

WEIGHTS = "*.safetensors"
_PICKLES = "pytorch_model*.bin"
_MODULE_PREFIX = "sentence_transformers."  # of the types of modules that need no custom code
_DIM = ("hidden_size", "d_model", "n_embd", "dim")  # keys of the length of a hidden state
_LAYERS = ("num_hidden_layers", "n_layers", "num_layers", "n_layer")  # keys of the layer count
_OPTIONS = (  # in sentence_bert_config.json, which are passed to transformers
    "config_args",
    "config_kwargs",
    "model_args",
    "model_kwargs",
    "processing_kwargs",
    "processor_kwargs",
    "tokenizer_args",
)
_LIKE_ROBERTA = (  # other types of models that number positions as RoBERTa does
    "camembert",
    "data2vec-text",
    "ibert",
    "lilt",
    "longformer",
    "luke",
    "mpnet",
    "xmod",
)
_WITHOUT_EFFECT = (  # fields of a configuration on which the vectors do not depend
    "_name_or_path",
    "architectures",
    "dtype",
    "name_or_path",
    "torch_dtype",
    "transformers_version",
)


@dataclass(frozen=True)
class ModelSettings:
    """Settings with which a model encodes a sentence.

    Attributes:
        identity: Everything that the vectors depend on; the fingerprint is its hash.
        dim: Length of a vector.
        max_tokens: Maximum number of tokens, special tokens and prompt included; longer sentences
            are truncated.
        prompt: Text that precedes every sentence.
        pooling: Pooling of a Hugging Face encoder; None for a sentence-transformers model, whose
            configuration specifies the pooling.
        layer: Layer after which the model is truncated; None for a whole model.
        subfolder: Folder of the Transformer in the model's folder; "" for the folder itself.
    """

    identity: dict[str, Any]
    dim: int
    max_tokens: int
    prompt: str
    pooling: str | None
    layer: int | None = None
    subfolder: str = ""


def read_settings(
    directory: Path, pooling: str | None = None, layer: int | None = None
) -> ModelSettings:
    """Read the settings of a model from its folder.

    If a pooling or a layer is given, only the Transformer of a sentence-transformers model is used:
    there is no prompt, and only the Transformer and its tokenizer limit the number of tokens.

    Args:
        directory: Folder of a sentence-transformers or Hugging Face model.
        pooling: Pooling that replaces that of the model; None to keep it. See
            `embedcache.load_encoder`.
        layer: Layer after which the model is truncated; None for a whole model.

    Raises:
        UserError: The folder has no text encoder, its settings are damaged, the model does not have
            the layer, or loading it could run code that is not part of the libraries or read files
            outside the folder.
    """
    try:
        return _read_settings(directory, pooling, layer)
    except UserError:
        raise
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
        raise UserError(
            f"the settings of the model in {directory} are damaged ({printable(str(error))}): copy "
            "or download it again"
        ) from error


def _read_settings(directory: Path, pooling: str | None, layer: int | None) -> ModelSettings:
    modules = read_json(directory / "modules.json")
    _check_modules(directory, modules)
    subfolder = modules[0]["path"] if modules else ""
    base = directory / subfolder
    config = read_json(base / "config.json")
    weights = _weights(base)
    if not config or not weights:
        raise UserError(f"{directory} has no model: config.json or the safetensors file is missing")
    dim = next((int(config[name]) for name in _DIM if config.get(name)), None)
    if dim is None:
        raise UserError(f"{directory} has no text encoder: config.json has no hidden_size")
    if layer is not None:
        check_layer(layer, next((config[name] for name in _LAYERS if name in config), None))
    tokenizer = read_json(base / "tokenizer_config.json")
    _check_custom_code(directory, config, tokenizer)
    identity: dict[str, Any] = {
        "weights": hash_files(weights),
        "config": fingerprint_of(_without(config, _WITHOUT_EFFECT)),
        "tokenizer_config": fingerprint_of(_without(tokenizer, _WITHOUT_EFFECT)),
    } | tokenizer_identity(base, tokenizer)
    max_tokens = count_positions(config)
    tokenizer_limit = tokenizer.get("model_max_length")
    if tokenizer_limit:
        max_tokens = min(max_tokens, int(tokenizer_limit))
    settings = ModelSettings(identity, dim, max_tokens, "", pooling or "mean", layer, subfolder)
    if modules and pooling is None and layer is None:
        settings = _read_modules(directory, modules, settings)
    identity = settings.identity | {
        "pooling": settings.pooling,
        "prompt": settings.prompt,
        "max_tokens": settings.max_tokens,
    }
    if layer is not None:
        identity["layer"] = layer
    return replace(settings, identity=identity)


def _check_modules(directory: Path, modules: Any) -> None:  # noqa: ANN401
    """Check the list of the modules of a sentence-transformers model.

    Raises:
        UserError: The list is damaged, a module is not part of sentence-transformers, or a module
            is outside the folder of the model.
    """
    try:
        kinds = [str(module["type"]) for module in modules]
        paths = [Path(module["path"]) for module in modules]
    except (TypeError, KeyError) as error:
        raise UserError(f"{directory / 'modules.json'} is damaged: download it again") from error
    for kind in kinds:
        if not kind.startswith(_MODULE_PREFIX):
            raise UserError(
                f"the model {directory} needs the module {printable(kind)}, which is not part of "
                "sentence-transformers: use another model"
            )
    if any(path.is_absolute() or ".." in path.parts for path in paths):
        raise UserError(f"the model {directory} has modules outside its folder: use another model")


def _check_custom_code(directory: Path, config: dict[str, Any], tokenizer: dict[str, Any]) -> None:
    """Check that transformers needs no custom code from the folder of a model, or from the Hub.

    If transformers itself has the class of a model with an `auto_map`, the code is not needed.

    Raises:
        UserError: The model, its tokenizer or its attention needs custom code.
    """
    needed = "auto_map" in tokenizer or any(
        "/" in str(config.get(name)) for name in ("attn_implementation", "_attn_implementation")
    )
    if "auto_map" in config and not needed:
        from transformers import CONFIG_MAPPING

        needed = config.get("model_type") not in CONFIG_MAPPING
    if needed:
        raise UserError(
            f"the model {directory} needs custom code, which segtool does not run: use another "
            "model"
        )


def _read_modules(
    directory: Path, modules: list[dict[str, Any]], first: ModelSettings
) -> ModelSettings:
    """Read the settings of a sentence-transformers model, given those of its first module."""
    config = read_json(directory / modules[0]["path"] / "sentence_bert_config.json")
    model_config = read_json(directory / "config_sentence_transformers.json")
    others = [
        [
            module["type"].rsplit(".", 1)[-1],
            read_json(directory / module["path"] / "config.json"),
            hash_files(_weights(directory / module["path"])),
        ]
        for module in modules[1:]
    ]
    dim = first.dim
    for _, module_config, _ in others:
        dim = int(module_config.get("out_features", dim * _poolings(module_config)))
    identity = {"lower_case": config.get("do_lower_case", False), "modules": others}
    if options := {name: config[name] for name in _OPTIONS if config.get(name)}:
        identity["options"] = options
    return replace(
        first,
        identity=first.identity | identity,
        dim=dim,
        max_tokens=int(config.get("max_seq_length") or first.max_tokens),
        prompt=_default_prompt(model_config),
        pooling=None,
    )


def _default_prompt(model_config: dict[str, Any]) -> str:
    name = model_config.get("default_prompt_name")
    return model_config.get("prompts", {}).get(name) or ""


def count_positions(config: dict[str, Any]) -> int:
    """Return the maximum number of tokens that a model with this config.json can read.

    RoBERTa and related models do not use the first positions, up to and including the one whose
    number is the id of the padding token.
    """
    positions = int(config.get("max_position_embeddings", 512))
    kind = config.get("model_type", "")
    if "roberta" in kind or kind in _LIKE_ROBERTA:
        positions -= int(config.get("pad_token_id", 1)) + 1
    return positions


def _poolings(config: dict[str, Any]) -> int:
    """Return how many poolings a module concatenates; 1 if it is not a pooling."""
    named = config.get("pooling_mode", ())
    flags = [value for name, value in config.items() if name.startswith("pooling_mode_")]
    return max(1 if isinstance(named, str) else len(named), flags.count(True), 1)


def check_layer(layer: int, layers: int | None) -> None:
    """Check that a model has a layer.

    Args:
        layer: Number of the layer; 0 for the embeddings.
        layers: Number of layers of the model; None if it is unknown.

    Raises:
        UserError: The model does not have the layer, or its number of layers is unknown.
    """
    if layers is None:
        raise UserError("config.json has no number of layers: leave out :LAYER")
    if layer > layers:
        raise UserError(f"the model has {layers} layers: use :0 to :{layers}, not :{layer}")


def _weights(directory: Path) -> list[Path]:
    """List the safetensors files in a folder.

    Raises:
        UserError: The folder has its weights only as pickles, which can run arbitrary code when
            they are loaded.
    """
    found = sorted(directory.glob(WEIGHTS))
    if not found and any(directory.glob(_PICKLES)):
        raise UserError(
            f"the weights in {directory} are not in the safetensors format, and loading them could "
            "run arbitrary code: convert them to safetensors"
        )
    return found


def weight_bytes(directory: Path) -> int:
    """Return the size in bytes of the weights in the folder of a Transformer.

    Raises:
        UserError: The weights are pickles.
    """
    return sum(path.stat().st_size for path in _weights(directory))


def _without(settings: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if name not in names}
