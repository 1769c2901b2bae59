"""Transformers that OpenVINO runs on a CPU.

torch and transformers take seconds to import. OpenVINO takes a fraction of a second and computes
faster; see docs/benchmarks.md. A model is converted when it is first used, which needs torch, and
is kept in the user's cache folder:

model.xml, model.bin  the layers, from token vectors (n, l, d) and a mask (n, l) to hidden states
                      (n, l, d)
tokens.json           where the vectors of tokens are; see `embedcache.encoders.token_vectors`
tokenizer.json, ...   the tokenizer; see `embedcache.encoders.token_ids`
unsupported.txt       why OpenVINO cannot run the model, instead of all other files
"""

import errno
import sys
import threading
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from embedcache.cache import cached_directory
from embedcache.encoders.base import Precision, Tokens
from embedcache.encoders.partial_vocabulary import PartialVocabulary
from embedcache.encoders.pooling import TokenPooling
from embedcache.encoders.processor import available_cores, computes_bfloat16
from embedcache.encoders.token_ids import SentenceTokenizer, find_tokenizer, save_tokenizer
from embedcache.encoders.token_vectors import open_token_vectors, save_token_vectors

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_FORMAT = 1  # of the converted files
_MODEL, _UNSUPPORTED = "model.xml", "unsupported.txt"
_MIN_COSINE = 0.9999  # between the float32 hidden states of the converted model and of torch
_PRECISIONS = {"float32": "f32", "bfloat16": "bf16"}


class UnsupportedModelError(Exception):
    """OpenVINO cannot run a model."""


class FailedConversionError(UnsupportedModelError):
    """A conversion failed; the cause may be temporary, such as too little memory."""


def can_compute(precision: Precision) -> bool:
    """Return whether OpenVINO computes in this precision, in hardware, on this CPU."""
    return precision == "float32" or (precision == "bfloat16" and computes_bfloat16() is True)


def converted_directory(
    name: str, fingerprint: str, source: Path, load: "Callable[[], SentenceTransformer]"
) -> Path:
    """Return the folder of a converted model; the first call converts it.

    Args:
        name: Name of the encoder in a message.
        fingerprint: Fingerprint of the encoder.
        source: Folder of the Transformer.
        load: Function that loads the model on the CPU in float32.

    Raises:
        FailedConversionError: The conversion failed. Later calls try again.
        UnsupportedModelError: OpenVINO cannot run the model. Later calls raise the error without
            another conversion.
        OSError: A file cannot be read or written.
    """

    def write(folder: Path) -> None:
        sys.stderr.write(f"converting {name} for this computer; this is done only once\n")
        sys.stderr.flush()
        try:
            convert(load(), source, folder)
        except FailedConversionError:
            raise
        except UnsupportedModelError as error:
            for file in folder.iterdir():  # files of a conversion that failed at a later step
                file.unlink()
            (folder / _UNSUPPORTED).write_text(str(error), encoding="utf-8")

    folder = cached_directory(f"{fingerprint}-openvino-{version('openvino')}-{_FORMAT}", write)
    if (folder / _UNSUPPORTED).exists():
        raise UnsupportedModelError((folder / _UNSUPPORTED).read_text(encoding="utf-8"))
    return folder


class CompiledTransformer:
    """A converted Transformer. Several threads may encode at once, each on one core.

    Args:
        folder: Folder of the converted model.
        source: Folder of the Transformer that was converted.
        prompt: Text that precedes every sentence.
        max_tokens: Maximum number of tokens of a sentence, prompt and special tokens included.
        pooling: Pooling of the hidden states.
        precision: "float32" or "bfloat16".
    """

    def __init__(
        self,
        folder: Path,
        source: Path,
        prompt: str,
        max_tokens: int,
        pooling: TokenPooling,
        precision: Precision,
    ) -> None:
        self.tokenizer = SentenceTokenizer(folder, prompt, max_tokens)
        self._pooling = pooling
        self._tokens = open_token_vectors(folder, source)
        self._compiled = _compile(folder, precision)
        self._threads = threading.local()

    def tokenize(self, sentences: Sequence[str]) -> Tokens:
        """Tokenize n sentences; the inputs are token ids, special tokens included."""
        return self.tokenizer.tokenize(sentences)

    def encode(self, rows: list[NDArray[np.int32]]) -> NDArray[np.float32]:
        """Encode n sentences in one batch, given the token ids of each: (n, dim) float32."""
        lengths = np.array([len(row) for row in rows], dtype=np.int64)
        states = self._states(rows, lengths)
        return self._pooling.pool(states, lengths)

    def _states(
        self, rows: list[NDArray[np.int32]], lengths: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        if not hasattr(self._threads, "request"):
            self._threads.request = self._compiled.create_infer_request()
        inputs = _inputs(rows, lengths, self._tokens)
        states: NDArray[np.float32] = self._threads.request.infer(inputs)[0]
        return states


def _inputs(
    rows: list[NDArray[np.int32]], lengths: NDArray[np.int64], tokens: NDArray[np.floating]
) -> list[NDArray[Any]]:
    """Return the token vectors (n, l, d) float32 and the mask (n, l) int64 of n sentences."""
    is_token = np.arange(lengths.max()) < lengths[:, None]
    vectors = np.zeros((*is_token.shape, tokens.shape[1]), dtype=np.float32)
    vectors[is_token] = tokens[np.concatenate(rows)]
    return [vectors, is_token.astype(np.int64)]


def _compile(folder: Path, precision: Precision) -> Any:  # noqa: ANN401
    """Load a converted model.

    OpenVINO installs an alternate signal stack in the thread that loads a model. On processors with
    AMX, this stack is too small for Python's signal handlers: the next signal, such as Ctrl-C,
    would kill the process. Only the main thread handles signals, so another thread loads the model.
    """
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(_compile_here, folder, precision).result()


def _import_openvino() -> Any:  # noqa: ANN401
    """Import OpenVINO without its telemetry, which would send an event at each import."""
    # importing a module that is None raises ImportError, which OpenVINO handles
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    import openvino

    return openvino


def _compile_here(folder: Path, precision: Precision) -> Any:  # noqa: ANN401
    openvino = _import_openvino()
    # The first access to the data of a tensor fills a table inside OpenVINO. If two threads did
    # this at the same time, when they encode, they would deadlock.
    _ = openvino.Tensor(np.zeros(1, dtype=np.float32)).data
    core = openvino.Core()
    cores = available_cores()
    options = {
        "INFERENCE_PRECISION_HINT": _PRECISIONS[precision],
        "INFERENCE_NUM_THREADS": cores,
        "NUM_STREAMS": cores,  # one core for each request
        "ENABLE_CPU_PINNING": False,  # other processes may need the cores
    }
    return core.compile_model(folder / _MODEL, "CPU", options)


def convert(model: "SentenceTransformer", source: Path, folder: Path) -> None:
    """Convert a model to the files that `CompiledTransformer` reads.

    Args:
        model: Model on the CPU, in float32, whose first module is a Transformer.
        source: Folder of the Transformer.
        folder: Empty folder.

    Raises:
        FailedConversionError: A library raised a RuntimeError.
        UnsupportedModelError: The model cannot be converted, or the hidden states of the converted
            model differ from those of the original.
        OSError: A file cannot be read or written.
        MemoryError: The memory is full.
    """
    network: Any = model[0].auto_model
    tokenizer = find_tokenizer(model.tokenizer)
    if tokenizer is None:
        raise UnsupportedModelError("it has no fast tokenizer (of the tokenizers library)")
    if "left" in (model.tokenizer.padding_side, model.tokenizer.truncation_side):
        raise UnsupportedModelError("its tokenizer pads or truncates on the left")
    try:
        _save_layers(network, folder / _MODEL)
        weight = network.get_input_embeddings().weight
        tokens = weight.detach().float().numpy()
        cosine = _smallest_cosine(network, folder, tokens, model.max_seq_length)
    except (OSError, MemoryError):  # not caused by the model
        raise
    except RuntimeError as error:  # also raised if the memory is full
        raise FailedConversionError(f"it cannot be converted ({type(error).__name__})") from error
    except Exception as error:  # any of several libraries may fail on an unknown architecture
        raise UnsupportedModelError(f"it cannot be converted ({type(error).__name__})") from error
    if not cosine >= _MIN_COSINE:  # also if it is NaN
        raise UnsupportedModelError(
            "the hidden states of the converted model have a cosine similarity of only "
            f"{cosine:.4f} to those of the original"
        )
    name = next(name for name, other in network.named_parameters() if other is weight)
    save_token_vectors(tokens, name, source, folder)
    save_tokenizer(tokenizer, folder)
    PartialVocabulary.save(tokenizer, folder)


def _save_layers(network: Any, path: Path) -> None:  # noqa: ANN401
    """Trace the layers of a Hugging Face model, and save them as an OpenVINO model.

    Raises:
        OSError: The file cannot be written.
    """
    openvino = _import_openvino()
    import torch
    from openvino.frontend import FrontEndManager
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

    class Layers(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, vectors: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
            states: torch.Tensor = self.network(
                inputs_embeds=vectors, attention_mask=mask
            ).last_hidden_state
            return states

    dim = network.get_input_embeddings().weight.shape[1]
    example = (torch.zeros(2, 8, dim), torch.ones(2, 8, dtype=torch.int64))
    example[1][1, 5:] = 0  # so that the traced model uses the mask
    with warnings.catch_warnings(), torch.inference_mode(False), torch.no_grad():
        warnings.simplefilter("ignore")  # about constants; `convert` checks the result
        # not `openvino.convert_model`, which would send telemetry
        frontend = FrontEndManager().load_by_framework("pytorch")
        decoder = TorchScriptPythonDecoder(Layers().eval(), example_input=example)
        # `decoder` is a variable, because the frontend needs it and does not keep it alive
        converted = frontend.convert(frontend.load(decoder))
    shapes = (("f32", [-1, -1, dim]), ("i64", [-1, -1]))
    for parameter, (kind, shape) in zip(converted.get_parameters(), shapes, strict=True):
        parameter.set_element_type(getattr(openvino.Type, kind))
        parameter.set_partial_shape(openvino.PartialShape(shape))
    converted.validate_nodes_and_infer_types()
    try:
        openvino.save_model(converted, path, compress_to_fp16=False)
    except RuntimeError as error:  # the disk is full, for example
        raise OSError(errno.EIO, "the converted model cannot be written") from error


def _smallest_cosine(
    network: Any,  # noqa: ANN401
    folder: Path,
    tokens: NDArray[np.float32],
    max_tokens: int | None,
) -> float:
    """Compare a converted model with the original, in float32, on sentences of random tokens.

    Args:
        network: Hugging Face model.
        folder: Folder of the converted model.
        tokens: (v, d) vectors of tokens.
        max_tokens: Maximum number of tokens of a sentence; None for no limit.

    Returns:
        The smallest cosine similarity between the hidden states of a sentence from the two models.
    """
    import torch

    lengths = np.array([3, 17, 40]).clip(1, max_tokens)
    # in models such as RoBERTa, the padding token has no position
    usable = np.flatnonzero(np.arange(len(tokens)) != network.config.pad_token_id)
    generator = np.random.default_rng(0)
    rows = [generator.choice(usable, length).astype(np.int32) for length in lengths]
    states = _compile(folder, "float32")(_inputs(rows, lengths, tokens))[0]
    cosines = []
    for row, found in zip(rows, states, strict=True):
        with torch.no_grad():
            expected = network(input_ids=torch.from_numpy(row)[None].long()).last_hidden_state
        pair = found[: len(row)].ravel(), expected.numpy().ravel()
        cosines.append(pair[0] @ pair[1] / (np.linalg.norm(pair[0]) * np.linalg.norm(pair[1])))
    return float(np.min(cosines))
