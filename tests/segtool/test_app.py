"""All commands: mistakes, help, devices; real processes."""

import json
import re
import shutil
import subprocess
import sys

import pytest
import typer
from typer.testing import CliRunner

import segtool as package
from segtool.app import app
from tests.conftest import ROOT
from tests.segtool.texts import UNSEEN, mistake


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["embed", "none.txt"], "none.txt: no such file"),
        (["embed", "empty.txt"], "contains no sentences"),
        (["embed", "broken.txt"], "byte 3"),
        (["embed", "text.txt", "--encoder", "./nowhere"], "unknown encoder './nowhere'"),
        (["embed", "text.txt", "--encoder", "wordvec:no.bin"], "no.bin: no such file of word vec"),
        (["embed", "text.txt", "--encoder", "wordvec:text.txt"], "text.txt cannot be read as word"),
        (["embed", "text.txt", "--pooling", "max"], "--pooling max requires --encoder"),
        (["embed", "text.txt", "--encoder", "minilm", "--pooling", "sif"], "--pooling sif"),
        (["embed", "text.txt", "--threads", "0"], "--threads 0: use 1 or more"),
        (["embed", "text.txt", "--device", "cuda:99"], "--device cuda:99"),
        (
            ["embed", "text.txt", "--backend", "openvino", "--precision", "float16"],
            "--backend openvino cannot run e5-small-paragraphs",
        ),
        (["embed", "text.txt", "--sentences", "x"], "unknown sentence rule 'x'"),
        (["embed", "text.txt", "--boundary", "x"], "'x' is not one of"),
        (["embed", "text.txt", "--split", "x"], "--split x"),
        (["embed", "text.txt", "--name", "a/b"], "invalid corpus name 'a/b'"),
        (["embed"], "Missing argument"),
        (["train"], "nothing is embedded"),
        (["train", "--head", "gru"], "'gru'"),
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
        (["train", "--window", "0"], "not 0"),
        (["train", "--window", "x"], "should be a valid integer"),
        (["eval"], "nothing is trained"),
        (["eval", "no-run"], "no run or model 'no-run'"),
        (["segment", "text.txt", "--run", "no-run"], "no run 'no-run'"),
        (["report"], "nothing is trained"),
        (["report", "no-run"], "no run or model 'no-run'"),
        (["sweep"], "nothing is embedded"),
        (["sweep", "none.toml"], "none.toml: no such file"),
        (["sweep", "text.txt"], "text.txt: "),
        (["sweep", "--head", "gru"], "head: must be 'mlp', "),
        (["sweep", "--window", "x"], "'x'"),
        (["sweep", "--set", "colour=1"], "unknown setting 'colour'"),
        (["compare", "a"], "Missing argument"),
        (["compare", "a", "b"], "no run 'a'"),
        (["finetune", "hierarchical", "--encoder", "surface"], "nothing is embedded"),
        (["stats"], "nothing is embedded"),
        (["stats", "none.txt"], "none.txt: no such file"),
        (["nonsense"], "No such command 'nonsense'"),
        (["trian"], "Did you mean 'train'?"),
        (["train", "--sed", "1"], "Possible options: --head, --seed"),
    ],
)
def test_a_mistake_gets_one_line_and_changes_nothing(tmp_path, cli, arguments, message):
    (tmp_path / "text.txt").write_text("雨が降る。")
    (tmp_path / "empty.txt").write_text("")
    (tmp_path / "broken.txt").write_bytes(b"abc\xff\xfe\x01")
    before = sorted(tmp_path.rglob("*"))
    assert message in mistake(cli(tmp_path, *arguments))
    assert sorted(tmp_path.rglob("*")) == before


def test_commands_that_compute_accept_a_device_and_threads(trained, cli, tmp_path):
    shutil.copytree(trained / ".segtool", tmp_path / ".segtool")
    shutil.rmtree(tmp_path / ".segtool/runs")
    (tmp_path / "new.txt").write_text(UNSEEN)
    (tmp_path / "page.txt").write_text("雨が降る。")
    for command in (
        ["train", "--epochs", "1"],
        ["eval"],
        ["report"],
        ["segment", "new.txt"],
        ["sweep", "--head", "mlp", "--window", "1", "--seed", "0", "--set", "epochs=1"],
        ["compare", "mlp-w1-001", "mlp-w4-001"],
        ["embed", "page.txt", "--encoder", "minilm:1", "--precision", "bfloat16"],
    ):
        done = cli(tmp_path, *command, "--device", "cpu", "--threads", "2")
        assert done.returncode == 0, done.stderr
    for name in ("mlp-w4-001", "mlp-w1-001"):
        machine = json.loads((tmp_path / f".segtool/runs/{name}/run.json").read_text())["machine"]
        assert (machine["device"], machine["threads"]) == ("cpu", 2)


@pytest.mark.parametrize("command", ["train", "eval", "segment -", "sweep"])
@pytest.mark.parametrize("option", ["--device cuda:99", "--threads 0"])
def test_an_invalid_device_or_number_of_threads_is_reported(trained, cli, command, option):
    before = sorted(trained.rglob("*"))
    done = cli(trained, *command.split(), *option.split(), input=UNSEEN)
    assert option.split()[0].strip("-") in mistake(done)
    assert sorted(trained.rglob("*")) == before


COMMANDS = [
    "", "embed", "train", "eval", "report", "segment", "export", "sweep", "compare", "stats",
    "models", "runs", "runs list", "runs show", "runs remove", "corpora", "corpora list",
    "corpora show", "corpora remove", "clean", "config", "encoders", "encoders show",
    "finetune", "finetune cross-segment", "finetune hierarchical", "store", "store info",
    "store upgrade", "store verify", "store repair", "store backup", "store compact",
    "store gc", "store export", "store merge",
]  # fmt: skip


@pytest.mark.parametrize("width", [60, 80])
@pytest.mark.parametrize("command", COMMANDS)
def test_every_help_page_has_a_summary_and_an_example(command, width):
    pages = [
        CliRunner().invoke(app, [*command.split(), flag], terminal_width=width)
        for flag in ("--help", "-h")
    ]
    assert pages[0].output == pages[1].output
    lines = pages[0].output.splitlines()
    assert max(map(len, lines)) <= width
    assert re.match("  [A-Z].*", lines[2])
    assert pages[0].output.count("Example: segtool") == 1
    if width == 80:  # summaries in a list of commands are not cut off
        assert not re.search(r"\w\.\.\.$", pages[0].output, re.MULTILINE)


def test_every_option_has_a_help_text():
    def commands(group):
        for command in group.commands.values():
            yield from commands(command) if hasattr(command, "commands") else [command]

    for command in commands(typer.main.get_command(app)):
        for parameter in (shown for shown in command.params if not shown.hidden):
            assert re.search("[.\\])]$", parameter.help), (command.name, parameter.name)


def test_help_imports_no_library_that_computes():
    listing = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "segtool", "--help"],
        capture_output=True, text=True, check=True, cwd=ROOT,
    ).stderr  # fmt: skip
    imported = set(re.findall(r"\| +([\w.]+)$", listing, re.MULTILINE))
    assert "segclf.training.options" in imported
    assert not {"torch", "scipy", "sklearn", "transformers", "rich.table"} & imported


def test_the_command_prints_its_version(cli, tmp_path):
    assert cli(tmp_path, "--version").stdout == f"{package.__version__}\n"


def test_the_checkout_runs_without_being_installed(cli, tmp_path):
    help_page = cli(tmp_path, "--help").stdout
    for command in (["-m", "segtool"], ["cli.py"]):
        done = subprocess.run(
            [sys.executable, *command, "-h"], capture_output=True, text=True, check=True, cwd=ROOT
        )
        assert done.stdout == help_page
