"""All commands: mistakes, help, devices; real processes."""

import json
import re
import shutil
import subprocess
import sys

import pytest

from tests.conftest import ROOT, STORIES
from tests.segtool.texts import UNSEEN, mistake


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["embed", "none.txt"], "none.txt: no such file"),
        (["embed", "empty.txt"], "no sentence in it"),
        (["embed", "broken.txt"], "byte 3"),
        (["embed", "text.txt", "--encoder", "./nowhere"], "no encoder './nowhere'"),
        (["embed", "text.txt", "--encoder", "wordvec:no.bin"], "no.bin: no such file of word vec"),
        (["embed", "text.txt", "--encoder", "wordvec:text.txt"], "text.txt cannot be read as word"),
        (["embed", "text.txt", "--pooling", "max"], "--pooling max: name the --encoder"),
        (["embed", "text.txt", "--encoder", "minilm", "--pooling", "sif"], "--pooling sif"),
        (["embed", "text.txt", "--threads", "0"], "--threads 0: use 1 or more"),
        (["embed", "text.txt", "--sentences", "x"], "no sentence rule 'x'"),
        (["embed", "text.txt", "--boundary", "x"], "'x' is not one of"),
        (["embed", "text.txt", "--split", "x"], "--split x"),
        (["embed", "text.txt", "--name", "a/b"], "cannot be called 'a/b'"),
        (["embed"], "Missing argument"),
        (["train"], "nothing is embedded"),
        (["train", "--head", "gru"], "unknown head 'gru'"),
        (
            ["train", "--context", "window", "--head", "local-transformer"],
            "local-transformer has the context document",
        ),
        (["train", "--context", "document", "--head", "mlp"], "mlp has the context window"),
        (
            ["train", "--head", "document-bilstm", "--window", "4"],
            "document-bilstm reads the whole document",
        ),
        (["train", "--context", "page"], "'page' is not one of"),
        (["train", "--window", "0"], "window must be 1 to 4,096, not 0"),
        (["train", "--window", "x"], "should be a valid integer"),
        (["eval"], "nothing is trained"),
        (["eval", "no-run"], "no run 'no-run'"),
        (["segment", "text.txt"], "nothing is trained"),
        (["sweep"], "nothing is embedded"),
        (["sweep", "none.toml"], "none.toml: no such file"),
        (["sweep", "text.txt"], "text.txt: "),
        (["sweep", "--head", "gru"], "nothing is embedded"),
        (["sweep", "--window", "x"], "window 'x': expected a whole number"),
        (["sweep", "--set", "colour=1"], "no setting 'colour'"),
        (["compare", "a"], "Missing argument"),
        (["compare", "a", "b"], "no run 'a'"),
        (["finetune", "hierarchical", "--encoder", "surface"], "nothing is embedded"),
        (["stats"], "nothing is embedded"),
        (["stats", "none.txt"], "none.txt: no such file"),
        (["nonsense"], "No such command 'nonsense'"),
    ],
)
def test_a_mistake_gets_one_line_and_changes_nothing(tmp_path, segtool, arguments, message):
    (tmp_path / "text.txt").write_text("雨が降る。")
    (tmp_path / "empty.txt").write_text("")
    (tmp_path / "broken.txt").write_bytes(b"abc\xff\xfe\x01")
    before = sorted(tmp_path.rglob("*"))
    assert message in mistake(segtool(tmp_path, *arguments))
    assert sorted(tmp_path.rglob("*")) == before


def test_what_computes_takes_a_device_and_threads(trained, segtool, tmp_path):
    shutil.copytree(trained / ".segtool", tmp_path / ".segtool")
    (tmp_path / "new.txt").write_text(UNSEEN)
    for command in (
        ["embed", str(STORIES), "--precision", "bfloat16"],
        ["train", "--epochs", "1"],
        ["eval"],
        ["segment", "new.txt"],
        ["sweep", "--head", "mlp", "--window", "1", "--seed", "0", "--set", "epochs=1"],
        ["compare", "mlp-w1-001", "mlp-w4-001"],
    ):
        done = segtool(tmp_path, *command, "--device", "cpu", "--threads", "2")
        assert done.returncode == 0, done.stderr
    for name in ("mlp-w4-001", "mlp-w1-002"):
        machine = json.loads((tmp_path / f".segtool/runs/{name}/run.json").read_text())["machine"]
        assert (machine["device"], machine["threads"]) == ("cpu", 2)


@pytest.mark.parametrize("command", ["train", "eval", "segment -", "sweep"])
@pytest.mark.parametrize("option", ["--device cuda:99", "--threads 0"])
def test_a_device_or_threads_that_cannot_be_are_told(trained, segtool, command, option):
    before = sorted(trained.rglob("*"))
    done = segtool(trained, *command.split(), *option.split(), input=UNSEEN)
    assert option.split()[0].strip("-") in mistake(done)
    assert sorted(trained.rglob("*")) == before


def test_help_is_fast_and_has_an_example_everywhere(segtool, tmp_path):
    for command in (
        [],
        ["embed"],
        ["train"],
        ["eval"],
        ["segment"],
        ["sweep"],
        ["runs"],
        ["compare"],
        ["stats"],
        ["encoders"],
        ["store"],
    ):
        done = segtool(tmp_path, *command, "--help")
        assert done.returncode == 0
        assert "Example: segtool" in " ".join(done.stdout.split())
    listing = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", "import segtool.app"],
        capture_output=True, text=True, check=True, cwd=ROOT,
    ).stderr  # fmt: skip
    imported = set(re.findall(r"\| +([\w.]+)$", listing, re.MULTILINE))
    assert not {"torch", "scipy", "sklearn", "transformers", "rich.table"} & imported
