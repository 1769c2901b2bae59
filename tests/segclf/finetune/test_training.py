"""Training of systems, interrupted and resumed."""

import shutil
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import XLNetConfig

from embedcache import UserError, load_encoder
from segclf.corpus.layout import Layout
from segclf.finetune import training
from segclf.finetune.backbone import TrainedRows
from segclf.finetune.checkpoints import CHECKPOINT, Progress, load_checkpoint, save_checkpoint
from segclf.finetune.options import CrossSegmentOptions, HierarchicalOptions
from segclf.finetune.registry import make_system
from segclf.finetune.training import WEIGHTS, learning_rate_factor, make_optimizer, train_system
from tests.segclf.finetune.toy import NAMES, PRECISIONS, SYSTEMS, corpus, system_and_text

TRAIN, DEV = corpus(0), corpus(1, documents=1, split="dev")


def trained(model, options, folder, hook=None, precision="float32", on_epoch=lambda _: None):
    """Train on the toy task, and return the history without the times."""
    system = make_system(load_encoder(model, precision=precision), options)
    if hook:
        system.register_forward_hook(hook)
    state = train_system(system, TRAIN, DEV, options, folder, on_epoch=on_epoch)
    return system, [replace(epoch, seconds=0.0) for epoch in state.history]


def read_progress(model, options, folder, precision):
    """Return the progress in the checkpoint in a folder."""
    system = make_system(load_encoder(model, precision=precision), options)
    return load_checkpoint(folder, system, make_optimizer(system, options))


@pytest.mark.parametrize(
    ("options", "precision"),
    [*((options, "float32") for options in SYSTEMS), (SYSTEMS[0], "bfloat16")],
    ids=[*NAMES, f"{NAMES[0]} bfloat16"],
)
def test_a_system_learns(tiny_bert, options, precision, tmp_path):
    options = replace(options, epochs=5)
    _, history = trained(tiny_bert, options, tmp_path, precision=precision)
    assert history[0].f1 < 0.7
    assert max(epoch.f1 for epoch in history) > 0.9
    assert history[-1].loss < history[1].loss


def test_the_tokens_beside_the_candidate_suffice_with_a_frozen_encoder_and_long_sides(
    tiny_bert, tmp_path
):
    options = CrossSegmentOptions(
        sides="tokens:24", freeze=2, learning_rate=3e-2, batch_size=16, epochs=2
    )
    _, history = trained(tiny_bert, options, tmp_path)
    assert max(epoch.f1 for epoch in history) > 0.9


@pytest.mark.parametrize(
    ("options", "how", "precision"),
    [
        (SYSTEMS[0], "Ctrl-C", "float32"),
        (SYSTEMS[0], "a crash", "bfloat16"),
        (SYSTEMS[2], "Ctrl-C", "bfloat16"),
        (SYSTEMS[2], "a crash", "float32"),
    ],
    ids=lambda value: getattr(value, "run_name", None),
)
def test_an_interrupted_run_has_the_same_result(
    tiny_bert, options, how, precision, tmp_path, monkeypatch
):
    options = replace(options, epochs=2)
    (whole, stopped) = (tmp_path / "whole", tmp_path / "stopped")
    whole.mkdir()
    stopped.mkdir()
    _, expected = trained(tiny_bert, options, whole, precision=precision)
    steps, steps_before = 0, []

    def stop(module, *_):
        nonlocal steps
        steps += module.training
        if steps == 33:  # in the second epoch
            if how == "a crash":
                raise RuntimeError("out of power")
            signal.raise_signal(signal.SIGINT)

    if how == "a crash":  # Ctrl-C writes a checkpoint after the step
        monkeypatch.setattr(training, "CHECKPOINT_SECONDS", 0.0)
    with pytest.raises(RuntimeError if how == "a crash" else KeyboardInterrupt):
        trained(tiny_bert, options, stopped, stop, precision, lambda _: steps_before.append(steps))
    assert {path.name for path in stopped.iterdir()} == {CHECKPOINT, WEIGHTS}
    finished = 33 if how == "Ctrl-C" else 32
    progress = read_progress(tiny_bert, options, stopped, precision)
    assert (progress.epoch, progress.step) == (2, finished - steps_before[1])
    _, history = trained(tiny_bert, options, stopped, precision=precision)
    assert history == expected
    assert (stopped / WEIGHTS).read_bytes() == (whole / WEIGHTS).read_bytes()


def test_a_loaded_checkpoint_can_be_replaced_on_windows(tiny_bert, tmp_path):
    maps = Path("/proc/self/maps")
    if not maps.exists():
        pytest.skip("this system does not list what is mapped")
    trained(tiny_bert, SYSTEMS[0], tmp_path)
    system, _ = system_and_text(tiny_bert, SYSTEMS[0])
    optimizer = make_optimizer(system, SYSTEMS[0])
    assert load_checkpoint(tmp_path, system, optimizer).epoch == 2
    assert optimizer.state_dict()["state"]
    assert str(tmp_path / CHECKPOINT) not in maps.read_text(encoding="utf-8")


@pytest.mark.parametrize("kept", [0, 7, 1000, -1])
def test_a_damaged_checkpoint_is_an_error_and_is_kept(tiny_bert, tmp_path, kept):
    system, _ = system_and_text(tiny_bert, SYSTEMS[0])
    optimizer = make_optimizer(system, SYSTEMS[0])
    save_checkpoint(tmp_path, Progress(), system, optimizer)
    assert load_checkpoint(tmp_path, system, optimizer) == Progress()
    damaged = (tmp_path / CHECKPOINT).read_bytes()[:kept]
    (tmp_path / CHECKPOINT).write_bytes(damaged)
    with pytest.raises(UserError, match=r"is damaged \(.*\): delete it, and the same command"):
        load_checkpoint(tmp_path, system, optimizer)
    assert (tmp_path / CHECKPOINT).read_bytes() == damaged


@pytest.mark.parametrize("precision", PRECISIONS)
def test_accumulated_batches_give_the_gradient_of_one_batch(
    bert_without_dropout, tmp_path, precision
):
    weights, losses = [], []
    for size, batches in ((16, 1), (8, 2)):
        folder = tmp_path / str(size)
        folder.mkdir()
        options = CrossSegmentOptions(
            batch_size=size, accumulate=batches, dropout=0.0, loss="balanced", learning_rate=1e-3
        )
        _, history = trained(bert_without_dropout, options, folder, precision=precision)
        losses.append(history[1].loss)
        weights.append(load_file(folder / WEIGHTS))
    assert losses[0] == pytest.approx(losses[1], rel=0.01)
    if precision == "bfloat16":
        return  # batches of another size round differently, and AdamW scales up small gradients
    for name, tensor in weights[0].items():
        # a key bias has no effect on a softmax, so its gradient is rounding noise
        if "key.bias" not in name:
            torch.testing.assert_close(weights[1][name], tensor, atol=1e-4, rtol=1e-3, msg=name)


def test_checkpointing_does_not_change_the_result(tiny_bert, tmp_path):
    histories = []
    for checkpointing in (False, True):
        folder = tmp_path / str(checkpointing)
        folder.mkdir()
        options = CrossSegmentOptions(checkpointing=checkpointing, learning_rate=1e-3)
        histories.append(trained(tiny_bert, options, folder)[1])
    assert histories[0][1].loss == pytest.approx(histories[1][1].loss, rel=1e-5)


@pytest.mark.parametrize(("share", "expected"), [(None, 0.1), (0.0, 0.0), (0.5, 0.5)])
def test_attention_dropout_replaces_that_of_the_encoder(tiny_bert, share, expected):
    system, _ = system_and_text(tiny_bert, CrossSegmentOptions(attention_dropout=share))
    found = {
        module.dropout.p
        for name, module in system.named_modules()
        if name.endswith("attention.self")
    }
    assert found == {expected}


def test_attention_dropout_is_an_error_if_the_encoder_has_none(tiny_bert, tmp_path):
    folder = shutil.copytree(tiny_bert, tmp_path / "xlnet")
    XLNetConfig(vocab_size=50, d_model=32, n_layer=1, n_head=2, d_inner=32).save_pretrained(folder)
    options = CrossSegmentOptions(attention_dropout=0.0)
    with pytest.raises(UserError, match="--attention-dropout is not supported by xlnet"):
        make_system(load_encoder(str(folder)), options)


@pytest.mark.parametrize("layers", [0, 1, 2])
def test_frozen_parameters_do_not_change(tiny_bert, layers, tmp_path):
    options = CrossSegmentOptions(freeze=layers, learning_rate=1e-3)
    before = make_system(load_encoder(tiny_bert, precision="float32"), options).state_dict()
    system, _ = trained(tiny_bert, options, tmp_path)
    after = system.state_dict()
    changed = {name for name in before if not torch.equal(after[name], before[name])}
    frozen = ("embeddings.", *(f"encoder.layer.{i}." for i in range(layers)))
    for name in before:
        stays = any(f"network.{part}" in name for part in frozen)
        assert (name not in changed) == stays, name
    assert load_file(tmp_path / WEIGHTS).keys() >= changed
    parameters, trainable = system.count_parameters()
    sizes = {name: parameter.numel() for name, parameter in system.named_parameters()}
    assert parameters == sum(sizes.values())
    assert trainable == sum(
        size
        for name, size in sizes.items()
        if name in before and not any(f"network.{part}" in name for part in frozen)
    )


def test_training_the_embeddings_in_use_equals_training_all(bert_without_dropout):
    options = CrossSegmentOptions(dropout=0.0)
    tables, counts = [], []
    for rows in (False, True):
        system, text = system_and_text(bert_without_dropout, options)
        if rows:
            tokens = np.union1d(text.tokens, [system.backbone.cls_token, system.backbone.sep_token])
            system.backbone.train_embeddings_of(torch.from_numpy(tokens))
        optimizer = make_optimizer(system, options)
        for group in system.groups(text, 50, np.random.default_rng(0)):
            system(text, group).square().mean().backward()
            optimizer.step()
            optimizer.zero_grad()
        embeddings = system.backbone.network.get_input_embeddings()
        assert isinstance(embeddings, TrainedRows) == rows
        counts.append(system.count_parameters())
        with torch.inference_mode():
            table = embeddings(torch.arange(system.backbone.network.config.vocab_size))
        tables.append(table)
    torch.testing.assert_close(tables[0], tables[1])
    assert counts[0][0] == counts[0][1] == counts[1][0] > counts[1][1]


def test_the_layout_does_not_reach_the_encoder(tiny_bert):
    system, _ = system_and_text(tiny_bert, CrossSegmentOptions())
    layout = Layout.unlabelled(np.array([0, 2]))
    marked = system.backbone.tokenize(["　雨が 降る。\n", "\t夜　 人"], layout)
    plain = system.backbone.tokenize(["雨が 降る。", "夜 人"], layout)
    assert np.array_equal(marked.tokens, plain.tokens)


def test_the_learning_rate_rises_and_falls_linearly():
    shares = [learning_rate_factor(step, 20, 0.1) for step in range(20)]
    assert shares[:3] == [0.5, 1.0, 1.0]
    np.testing.assert_allclose(np.diff(shares[2:]), -1 / 18)
    assert shares[-1] == pytest.approx(1 / 18)


def test_weight_decay_is_for_matrices_and_the_head_has_its_own_rate(tiny_bert):
    options = HierarchicalOptions(learning_rate=1e-5, upper_learning_rate=1e-2)
    system = make_system(load_encoder(tiny_bert, precision="float32"), options)
    names = {id(parameter): name for name, parameter in system.named_parameters()}
    for group in make_optimizer(system, options).param_groups:
        for parameter in group["params"]:
            name = names.pop(id(parameter))
            assert group["max_lr"] == (1e-2 if name.startswith("head.") else 1e-5)
            decays = name.endswith("weight") and "Norm" not in name and "embeddings" not in name
            assert (group["weight_decay"] > 0) == decays, name
    assert not names


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"epochs": 0}, "epochs: must be greater than 0"),
        ({"learning_rate": -1.0}, "learning rate: must be greater than 0, not -1"),
        ({"batch_size": 0}, "batch size: must"),
        ({"accumulate": 0}, "accumulate: must"),
        ({"seed": -1}, "seed: must"),
        ({"freeze": -1}, "freeze: must"),
        ({"attention_dropout": 1.0}, "attention dropout: must be less than 1, not 1.0"),
    ],
)
def test_options_out_of_range_are_errors(change, message):
    with pytest.raises(UserError, match=message):
        CrossSegmentOptions(**change)


def test_too_many_frozen_layers_are_an_error(tiny_bert):
    with pytest.raises(UserError, match="--freeze 3: the encoder has 2 layers, so use at most 2"):
        make_system(load_encoder(tiny_bert), CrossSegmentOptions(freeze=3))
