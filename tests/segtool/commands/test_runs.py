"""`segtool runs`: list, show and remove; runs by number or by the beginning of a name."""

import json
import shutil

import pytest
from filelock import FileLock

from segclf.workspace.sources import find_source
from segclf.workspace.workspace import Workspace
from tests.segtool.texts import mistake


def test_runs_are_listed_with_their_numbers(three_runs, cli):
    listed = json.loads(cli(three_runs, "runs", "--json").stdout)
    assert listed == json.loads(cli(three_runs, "runs", "list", "--json").stdout)
    assert [(run["number"], run["run"], run["is_default"]) for run in listed["runs"]] == [
        (1, "mlp-w1-001", False),
        (2, "mlp-w1-002", True),
        (3, "mlp-w1-003", False),
    ]
    table = cli(three_runs, "runs").stdout
    assert "\n2. mlp-w1-002 (used by default)\n" in table


@pytest.mark.parametrize("name", ["mlp-w1-003", "3"])
def test_a_run_is_shown_by_name_or_number(three_runs, cli, name):
    shown = json.loads(cli(three_runs, "runs", "show", name, "--json").stdout)
    assert (shown["run"], shown["dev"]["f1"]) == ("mlp-w1-003", 0.6)
    assert shown["bytes"] > 0
    table = cli(three_runs, "runs", "show", name).stdout
    assert "head mlp, window 1" in table
    assert "0.600" in table
    assert "A dash: not scored yet" in table
    assert shown["types"] == ["any"]


def test_the_beginning_of_a_name_must_be_unambiguous(three_runs, cli):
    names = "mlp-w1-001, mlp-w1-002, mlp-w1-003"
    line = mistake(cli(three_runs, "runs", "show", "mlp"))
    assert line == f"error: several runs begin with 'mlp': choose one of {names}"
    (three_runs / ".segtool/runs/mlp-w1-003").rename(three_runs / ".segtool/runs/bilstm-w1-001")
    shown = cli(three_runs, "runs", "show", "bi", "--json")
    assert json.loads(shown.stdout)["run"] == "bilstm-w1-001"
    assert "no run '4'" in mistake(cli(three_runs, "runs", "show", "4"))
    assert "no run '444" in mistake(cli(three_runs, "runs", "show", "4" * 5000))
    assert "no run ''" in mistake(cli(three_runs, "runs", "show", ""))


def test_other_commands_take_numbers_too(three_runs, cli):
    assert cli(three_runs, "export", "2", "exported").returncode == 0
    config = json.loads((three_runs / "exported/config.json").read_text())
    assert config["dev"]["f1"] == 0.7
    workspace = Workspace(three_runs / ".segtool")
    assert find_source(workspace, "2").name == "mlp-w1-002"
    assert find_source(workspace, "japanese").name == "japanese"


def test_runs_are_removed(three_runs, cli):
    paths = [three_runs / f".segtool/runs/mlp-w1-00{number}" for number in (1, 2, 3)]
    dry = json.loads(cli(three_runs, "runs", "remove", "1", "3", "--dry-run", "--json").stdout)
    assert all(path.exists() for path in paths)
    assert dry["bytes"] == sum(item["bytes"] for item in dry["paths"]) > 0
    done = cli(three_runs, "runs", "remove", "1", "mlp-w1-003")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Removed .segtool/runs/mlp-w1-001: ")
    assert [path.exists() for path in paths] == [False, True, False]
    assert [path.name for path in (three_runs / ".segtool/runs").iterdir()] == ["mlp-w1-002"]


@pytest.mark.parametrize("name", ["none", "../corpora", "..", ".", "/tmp"])
def test_nothing_is_removed_if_a_run_is_unknown(three_runs, cli, name):
    before = sorted(three_runs.rglob("*"))
    assert "no run" in mistake(cli(three_runs, "runs", "remove", "1", name))
    assert sorted(three_runs.rglob("*")) == before


def test_an_unfinished_run_is_listed_and_removed_unless_it_is_in_training(three_runs, cli):
    run = three_runs / ".segtool/runs/cross-segment-001"
    run.mkdir()
    (run / "unfinished.json").write_text("{}")
    assert json.loads(cli(three_runs, "runs", "--json").stdout)["unfinished"] == [run.name]
    assert f"Unfinished: {run.name}." in cli(three_runs, "runs").stdout
    with FileLock(run / "lock"):
        assert "is being trained" in mistake(cli(three_runs, "runs", "remove", run.name))
    assert cli(three_runs, "runs", "remove", run.name).returncode == 0
    assert not run.exists()


def test_an_empty_workspace_says_what_to_do(cli, tmp_path):
    assert "No runs yet. Train a head with segtool train." in cli(tmp_path, "runs").stdout
    assert "No corpora yet. Embed a text with segtool embed." in cli(tmp_path, "corpora").stdout


def test_a_run_that_predicts_a_single_class_is_marked_in_the_list(three_runs, cli):
    path = three_runs / ".segtool/runs/mlp-w1-001/run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"collapsed": True}))
    assert cli(three_runs, "runs").stdout.count("predicts a single class") == 1


def test_options_before_a_subcommand_apply_to_it(three_runs, cli):
    other = three_runs / "other"
    shutil.copytree(three_runs / ".segtool", other)
    done = cli(three_runs, "runs", "--workspace", "other", "remove", "mlp-w1-001")
    assert done.returncode == 0
    assert not (other / "runs/mlp-w1-001").exists()
    assert (three_runs / ".segtool/runs/mlp-w1-001").exists()
    assert json.loads(cli(three_runs, "runs", "--json", "show", "2").stdout)["run"] == "mlp-w1-002"
    cli(three_runs, "corpora", "--workspace", "other", "remove", "stories")
    listed = [
        json.loads(cli(three_runs, "corpora", "--json", *where).stdout)["corpora"]
        for where in ((), ("--workspace", "other"))
    ]
    assert [len(corpora) for corpora in listed] == [1, 0]
    assert json.loads(cli(three_runs, "encoders", "--json", "show", "surface").stdout)
