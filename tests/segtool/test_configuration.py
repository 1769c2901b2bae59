"""Defaults from segtool.toml and from pyproject.toml."""

import json
import shutil

import pytest

from segclf.experiments.experiment_files import read_experiment
from segtool.configuration import find_configuration
from tests.segtool.texts import mistake


def settings_of(done):
    assert done.returncode == 0, done.stderr
    settings = json.loads(done.stdout)["settings"]
    return {setting["name"]: (setting["value"], setting["from"]) for setting in settings}


def test_a_file_sets_the_defaults_of_commands(trained, tmp_path, cli):
    shutil.copytree(trained / ".segtool", tmp_path / "work")
    (tmp_path / "segtool.toml").write_text(
        'workspace = "work"\n[train]\nhead = "bilstm"\nwindow = 2\nepochs = 1\n'
    )
    below = tmp_path / "a/b"
    below.mkdir(parents=True)
    run = json.loads(cli(below, "train", "--json").stdout)
    assert (run["head"], run["window"], run["epochs"]) == ("bilstm", 2, 1)
    run = json.loads(cli(below, "train", "--window", "1", "--json").stdout)
    assert (run["head"], run["window"]) == ("bilstm", 1)
    page = " ".join(cli(below, "train", "--help").stdout.split())
    assert "linear- transformer. [default: bilstm]" in page
    assert "[default: mlp]" not in page
    assert list(below.iterdir()) == []


def test_a_run_to_start_from_is_preferred_to_the_configured_head(trained, tmp_path, cli):
    shutil.copytree(trained / ".segtool", tmp_path / ".segtool")
    (tmp_path / "segtool.toml").write_text('[train]\nhead = "bilstm"\nwindow = 2\nepochs = 1\n')
    run = json.loads(cli(tmp_path, "train", "--from", "mlp-w1-001", "--json").stdout)
    assert (run["head"], run["window"], run["epochs"]) == ("mlp", 1, 1)
    (tmp_path / "segtool.toml").write_text(
        '[train]\nhead = "document-bilstm"\ncrop = 64\nloss = "focal"\ngamma = 1.0\nepochs = 1\n'
    )
    done = cli(tmp_path, "train", "--from", "mlp-w1-001", "--loss", "balanced", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["loss"] == "balanced"
    done = cli(tmp_path, "train", "--loss", "balanced", "--json")
    assert done.returncode == 0, done.stderr
    assert cli(tmp_path, "train", "--loss", "balanced", "--gamma", "1").returncode == 2


def test_an_option_on_the_command_line_may_make_options_of_the_file_useless(trained, tmp_path, cli):
    shutil.copytree(trained / ".segtool", tmp_path / ".segtool")
    (tmp_path / "segtool.toml").write_text('[train]\nhead = "bilstm"\nwindow = 2\nepochs = 1\n')
    run = json.loads(cli(tmp_path, "train", "--head", "document-bilstm", "--json").stdout)
    assert (run["head"], run["window"]) == ("document-bilstm", None)
    run = json.loads(cli(tmp_path, "train", "--head", "local-transformer", "--json").stdout)
    assert (run["head"], run["reach"]) == ("local-transformer", 32)
    (tmp_path / "segtool.toml").write_text(
        '[train]\nhead = "local-transformer"\nreach = 8\ncrop = 64\nepochs = 1\n'
        'engine = "ray"\naddress = "auto"\nworkers = 2\n'
    )
    run = json.loads(cli(tmp_path, "train", "--head", "mlp", "--engine", "local", "--json").stdout)
    assert (run["head"], run["window"]) == ("mlp", 4)
    given = ("--head", "mlp", "--engine", "local", "--crop", "64")
    assert "leave out the option crop" in mistake(cli(tmp_path, "train", *given))


@pytest.mark.parametrize(
    ("setting", "given"),
    [
        ('format = "html"', ["--json"]),
        ('layout = "keep"', ["--sentences"]),
        ("threshold = 0.5", ["--paragraphs", "2"]),
        ("min-length = 2", ["--paragraphs", "2"]),
        ("paragraphs = 2", ["--threshold", "0.5"]),
        ("paragraphs = 2", ["--max-length", "3"]),
        ('output-dir = "out"', ["--output", "x.txt"]),
        ('output = "x.txt"', ["--output-dir", "out"]),
    ],
)
def test_an_option_of_segment_may_contradict_the_file(tmp_path, cli, setting, given):
    (tmp_path / "segtool.toml").write_text(f"[segment]\nfast = true\n{setting}\n")
    (tmp_path / "new.txt").write_text("雨が降る。風が吹く。「寒い。」と言った。")
    done = cli(tmp_path, "segment", "new.txt", *given)
    assert done.returncode == 0, done.stderr


def test_the_workspace_of_one_command_is_not_shown_as_that_of_all(tmp_path, cli):
    file = tmp_path / "segtool.toml"
    file.write_text('workspace = "a"\n[embed]\nworkspace = "b"\n')
    found = settings_of(cli(tmp_path, "config", "--json"))
    assert found["workspace"] == (str(tmp_path / "a"), "segtool.toml")
    assert found["embed.workspace"] == ("b", "segtool.toml")
    file.write_text('[embed]\nworkspace = "b"\n')
    found = settings_of(cli(tmp_path, "config", "--json"))
    assert found["workspace"] == (".segtool", "default")


def test_a_run_on_the_command_line_replaces_a_configured_model(trained, tmp_path, cli):
    shutil.copytree(trained / ".segtool", tmp_path / ".segtool")
    (tmp_path / "segtool.toml").write_text('[segment]\nmodel = "mine"\n')
    (tmp_path / "new.txt").write_text("雨が降る。風が吹く。")
    arguments = ("segment", "new.txt", "--json")
    assert "no model 'mine'" in mistake(cli(tmp_path, *arguments))
    found = json.loads(cli(tmp_path, *arguments, "--run", "1").stdout)
    assert found["model"] == "mlp-w1-001"
    both = ("--run", "1", "--model", "japanese")
    assert "cannot be combined" in mistake(cli(tmp_path, *arguments, *both))


def test_a_file_may_have_a_byte_order_mark_and_must_be_utf8(tmp_path, cli):
    file = tmp_path / "segtool.toml"
    file.write_text('workspace = "café"\r\n', encoding="utf-8-sig", newline="")
    assert settings_of(cli(tmp_path, "config", "--json"))["workspace"][0].endswith("café")
    file.write_text('workspace = "café"\n', encoding="cp1252")
    assert "segtool.toml: 'utf-8' codec can't decode" in mistake(cli(tmp_path, "runs"))
    (tmp_path / "grid.toml").write_text("[[grid]]\nwindow = [1, 2]\n", encoding="utf-8-sig")
    assert read_experiment(tmp_path / "grid.toml").trials


@pytest.mark.parametrize(
    "content", ['workspace = "../work"', 'workspace = "~/work"', '[embed]\nworkspace = "../work"']
)
def test_a_configured_workspace_that_cannot_be_used_is_reported_in_one_line(
    content, tmp_path, cli, monkeypatch
):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "work").mkdir()
    (tmp_path / "work/corpora").write_text("not a folder")
    below = tmp_path / "below"
    below.mkdir()
    (below / "segtool.toml").write_text(content)
    (below / "new.txt").write_text("雨が降る。風が吹く。")
    line = mistake(cli(below, "embed", "new.txt", "--encoder", "surface"))
    assert "work/corpora" in line


@pytest.mark.parametrize(("given", "expected"), [("~/work", "home/work"), ("~x/work", "~x/work")])
def test_a_configured_workspace_may_be_in_the_home_folder(
    given, expected, tmp_path, cli, monkeypatch
):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "segtool.toml").write_text(f'workspace = "{given}"\n')
    found = settings_of(cli(tmp_path, "config", "--json"))
    assert found["workspace"] == (str(tmp_path / expected), "segtool.toml")


def test_config_shows_where_each_value_comes_from(tmp_path, cli, monkeypatch):
    assert settings_of(cli(tmp_path, "config", "--json")) == {"workspace": (".segtool", "default")}
    assert "There is no segtool.toml" in cli(tmp_path, "config").stdout
    file = tmp_path / "segtool.toml"
    file.write_text('workspace = "work"\nthreads = 2\n[finetune.hierarchical]\nupper = "mlp"\n')
    found = settings_of(cli(tmp_path, "config", "--json"))
    assert found == {
        "workspace": (str(tmp_path / "work"), "segtool.toml"),
        "threads": (2, "segtool.toml"),
        "finetune.hierarchical.upper": ("mlp", "segtool.toml"),
    }
    table = cli(tmp_path, "config").stdout
    assert "finetune.hierarchical.upper" in table
    assert str(file) in table
    monkeypatch.setenv("SEGTOOL_HOME", "/elsewhere")
    found = settings_of(cli(tmp_path, "config", "--json"))
    assert found["workspace"] == ("/elsewhere", "SEGTOOL_HOME")


def test_the_nearest_file_is_used_and_pyproject_is_read_too(tmp_path, cli):
    (tmp_path / "segtool.toml").write_text("threads = 1\n")
    below = tmp_path / "below"
    below.mkdir()
    for other in ("[tool.other]\nx = 1\n", "not TOML", "# of segtool\ntool = 1\n"):
        (below / "pyproject.toml").write_text(other)
        assert find_configuration(below).path == tmp_path / "segtool.toml"
    (below / "pyproject.toml").write_text("[tool.segtool.train]\nepochs = 3\n")
    found = settings_of(cli(below, "config", "--json"))
    assert found["train.epochs"] == (3, "pyproject.toml")
    assert "threads" not in found


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[trian]\nwindow = 2", "unknown command 'trian': did you mean train?"),
        ("[train]\nhaed = 'mlp'", "unknown option of segtool train 'haed': did you mean head?"),
        ("[train]\njson = true", "unknown option of segtool train 'json'"),
        ("wrkspace = 'x'", "unknown option for all commands 'wrkspace': did you mean workspace?"),
        ("colour = 1", "'colour': choose from workspace, device, threads"),
        ("head = 'mlp'", "head cannot be set for all commands: write it below [train]"),
        ("[store.gc]\nunused = 'yes'", "unused must be true or false, not 'yes'"),
        ("[train]\nwindow = true", "window must be a string or a number, not True"),
        ("[train]\nwindow = [1, 2]", "window must be a string or a number, not [1, 2]"),
        ("[sweep]\nset = 'a'", "set must be an array, not 'a'"),
        ("threads = inf", "threads must be a finite number, not inf"),
        ("[train]\nlearning-rate = nan", "learning-rate must be a finite number, not nan"),
        ("[train", "Expected ']'"),
    ],
)
def test_a_mistake_in_the_file_is_reported_by_every_command(tmp_path, cli, content, message):
    (tmp_path / "segtool.toml").write_text(content)
    line = mistake(cli(tmp_path, "runs"))
    assert line.startswith(f"error: {tmp_path / 'segtool.toml'}: ")
    assert message in line
    assert cli(tmp_path, "--help").returncode == 0


def test_a_value_that_is_out_of_range_is_reported_with_the_file(tmp_path, cli):
    (tmp_path / "segtool.toml").write_text("[train]\nwindow = 'x'\n")
    line = mistake(cli(tmp_path, "train"))
    assert f"set in {tmp_path / 'segtool.toml'}; see segtool train --help" in line
    assert "set in" not in mistake(cli(tmp_path, "train", "--window", "y"))
