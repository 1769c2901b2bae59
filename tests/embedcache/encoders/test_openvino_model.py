"""Transformers that OpenVINO computes, compared with torch."""

import json
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest

from embedcache import UserError, load_encoder
from embedcache.encoders import openvino_model
from embedcache.encoders.openvino_model import can_compute
from tests.conftest import HANG
from tests.embedcache.encoders.test_encoders import ENGLISH, SHORT, cosines, japanese
from tests.segclf.finetune.conftest import save_tiny_bert, save_tiny_roberta

pytest.importorskip("openvino", reason="OpenVINO is not installed")
SENTENCES = [*SHORT, *ENGLISH, *japanese(5), "".join(japanese(30))]


@pytest.mark.parametrize("name", ["e5-small-paragraphs", "minilm"])
def test_float32_vectors_are_the_same_as_with_torch(name):
    compiled, plain = (
        load_encoder(name, device="cpu", precision="float32", backend=backend)
        for backend in ("openvino", "torch")
    )
    assert (compiled.backend, plain.backend) == ("openvino", "torch")
    assert compiled.fingerprint == plain.fingerprint
    expected = plain.encode(SENTENCES)
    np.testing.assert_allclose(
        compiled.encode(SENTENCES), expected, atol=1e-4 * np.abs(expected).max()
    )
    tokens, counted = compiled.tokenize(SENTENCES), plain.tokenize(SENTENCES)
    assert tokens.lengths.tolist() == counted.lengths.tolist()
    assert tokens.truncated.tolist() == counted.truncated.tolist()


@pytest.mark.skipif(not can_compute("bfloat16"), reason="this CPU has no bfloat16 instructions")
def test_bfloat16_vectors_are_close_to_float32():
    compiled, plain = (
        load_encoder("e5-small-paragraphs", device="cpu", precision=precision, backend="openvino")
        for precision in ("bfloat16", "float32")
    )
    cosine = cosines(compiled.encode(SENTENCES), plain.encode(SENTENCES))
    assert cosine.mean() >= 0.999
    assert cosine.min() >= 0.995
    assert compiled.computation == "bfloat16 with openvino"


def test_an_empty_list_of_sentences_is_encoded():
    encoder = load_encoder("e5-small-paragraphs", device="cpu", backend="openvino")
    assert encoder.encode([]).shape == (0, encoder.dim)


IMPORTED = """
import sys
from embedcache import load_encoder
load_encoder("e5-small-paragraphs", device="cpu").encode(["a"])
print([name for name in ("torch", "transformers") if name in sys.modules])
print(sys.modules["openvino_telemetry"])
"""


def test_a_converted_model_is_used_without_torch():
    load_encoder("e5-small-paragraphs", device="cpu", backend="openvino").encode(["a"])
    command = [sys.executable, "-c", IMPORTED]
    done = subprocess.run(command, capture_output=True, text=True, timeout=HANG, check=True)
    assert done.stdout == "[]\nNone\n"  # nothing is sent either
    assert done.stderr == ""


SIGNAL_STACK = """
import ctypes
from embedcache import load_encoder

class Stack(ctypes.Structure):
    _fields_ = [("start", ctypes.c_void_p), ("flags", ctypes.c_int), ("size", ctypes.c_size_t)]

encoder = load_encoder("e5-small-paragraphs", device="cpu", backend="openvino")
encoder.encode(["a"])
stack = Stack()
ctypes.CDLL(None).sigaltstack(None, ctypes.byref(stack))
print(stack.size)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="calls a function of Linux")
def test_signal_handlers_keep_the_whole_stack():
    # with AMX, a Python handler on the small stack of OpenVINO kills the process
    load_encoder("e5-small-paragraphs", device="cpu", backend="openvino").encode(["a"])  # convert
    command = [sys.executable, "-c", SIGNAL_STACK]
    done = subprocess.run(command, capture_output=True, text=True, timeout=HANG, check=True)
    assert done.stdout == "0\n"


@pytest.fixture(scope="module")
def minilm():
    from embedcache.encoders.registry import _minilm_directory

    return _minilm_directory()


def test_a_model_with_other_modules_is_computed_by_torch(tmp_path, minilm):
    copy = shutil.copytree(minilm, tmp_path / "model")
    modules = json.loads((copy / "modules.json").read_text())
    dense = {"idx": 3, "name": "3", "path": "3_Dense", "type": "sentence_transformers.models.Dense"}
    (copy / "modules.json").write_text(json.dumps([*modules, dense]))
    encoder = load_encoder(str(copy), device="cpu")
    assert encoder.backend == "torch"
    assert "modules" in encoder.backend_reason
    chosen = load_encoder(str(copy), device="cpu", backend="openvino")
    with pytest.raises(UserError, match="--backend openvino cannot run model"):
        chosen.encode(["a"])


def test_a_model_with_few_positions_is_converted(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    model = save_tiny_roberta(tmp_path / "roberta")
    compiled, plain = (
        load_encoder(str(model), device="cpu", precision="float32", backend=backend)
        for backend in ("openvino", "torch")
    )
    texts = ["雨", "雨夜人手" * 20]
    np.testing.assert_allclose(compiled.encode(texts), plain.encode(texts), atol=1e-4)


def test_a_model_that_is_refused_is_converted_only_once(tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    model = save_tiny_bert(tmp_path / "bert")
    config = json.loads((model / "tokenizer_config.json").read_text())
    (model / "tokenizer_config.json").write_text(json.dumps(config | {"truncation_side": "left"}))
    for _ in range(2):
        encoder = load_encoder(str(model), device="cpu", precision="float32", backend="openvino")
        with pytest.raises(
            UserError, match="cannot run bert: its tokenizer pads or truncates on the left"
        ):
            encoder.encode(["雨"])
    assert capfd.readouterr().err.count("converting bert") == 1
    (folder,) = (tmp_path / "cache/segtool/models").glob("*-openvino-*[!k]")
    assert [path.name for path in folder.iterdir()] == ["unsupported.txt"]


@pytest.fixture
def convert_bert(tmp_path, monkeypatch):
    """Return a function that encodes with a tiny BERT, which is converted if it is not cached."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    model = save_tiny_bert(tmp_path / "bert")

    def encode():
        encoder = load_encoder(str(model), device="cpu", precision="float32", backend="openvino")
        return encoder.encode(["雨"])

    return encode


def test_a_model_is_converted_again_after_a_full_disk(convert_bert):
    resource = pytest.importorskip("resource", reason="this system does not limit file sizes")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
    try:
        with pytest.raises(OSError, match="the converted model cannot be written"):
            convert_bert()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, ignored)
    assert convert_bert().any()


def test_a_model_is_converted_again_after_an_error_that_may_be_temporary(convert_bert, monkeypatch):
    def fail(*arguments):
        raise RuntimeError("not enough memory")

    with monkeypatch.context() as patched:
        patched.setattr(openvino_model, "_smallest_cosine", fail)
        with pytest.raises(UserError, match=r"it cannot be converted \(RuntimeError\)"):
            convert_bert()
    assert convert_bert().any()
