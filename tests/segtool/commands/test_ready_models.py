"""Ready models: `segtool segment` without training, `segtool models`, `segtool eval MODEL`."""

import json
import subprocess
import sys

import pytest

from segclf import segment
from segclf.workspace.ready import MODELS, list_models, load_ready_model, model_for
from segclf.workspace.runs import list_runs
from segclf.workspace.workspace import Workspace
from tests.conftest import SURFACE
from tests.segtool.texts import UNSEEN, mistake

LARGEST = 4_000_000  # bytes of a model, so that the package stays small


def test_the_models_are_small_and_have_a_card():
    models = list_models()
    assert {model.name for model in models} >= {"european", "japanese"}
    for model in models:
        content = model.to_dict()
        assert content["bytes"] < LARGEST
        card = (MODELS / model.name / "README.md").read_text(encoding="utf-8")
        assert f"segtool segment book.txt --model {model.name}" in card
        for name, head in content["types"].items():
            assert head["scores"]["test"]["f1"] > 0.4, (model.name, name)
            assert f"| {name} | test | {head['scores']['test']['precision']:.3f} |" in card


@pytest.mark.parametrize(
    ("language", "model"), [("ja", "japanese"), ("en", "european"), ("fr", "european")]
)
def test_the_language_chooses_the_model(language, model):
    assert model_for(language).name == model


@pytest.mark.parametrize(("language", "model"), [("ja", "japanese-fast"), ("es", "european-fast")])
def test_the_language_chooses_the_fast_model(language, model):
    assert model_for(language, fast=True).name == model


def test_a_fast_model_splits_a_text_without_torch_and_openvino(tmp_path):
    code = f"""
import sys
from segclf import segment
found = segment({UNSEEN!r}, fast=True)
print(found.model, len(found.paragraphs()) > 1, {{"torch", "openvino"}} & set(sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "japanese-fast True set()\n"), done.stderr


def test_the_fast_model_is_named_on_standard_error(cli, tmp_path):
    done = cli(tmp_path, "segment", "-", "--fast", input=UNSEEN)
    assert done.returncode == 0, done.stderr
    threshold = load_ready_model("japanese-fast").threshold("any", "ja")
    assert done.stderr == f"model japanese-fast, threshold {threshold:.2f}\n"
    assert "".join(done.stdout.split()) == "".join(UNSEEN.split())


@pytest.mark.parametrize("option", ["--model", "--run"])
def test_fast_cannot_be_combined_with_a_model_or_run(cli, tmp_path, option):
    done = cli(tmp_path, "segment", "-", "--fast", option, "european", input=UNSEEN)
    assert f"{option} cannot be combined with --fast: use only one of them" in mistake(done)


def test_a_language_without_a_model_gives_a_warning(tmp_path, caplog):
    assert model_for("ko") is None
    found = segment("비가 내렸다. 바람도 불었다.", Workspace(tmp_path))
    assert (found.model, found.language) == ("european", "ko")
    assert "no ready model was trained on the language ko: using european" in caplog.text


def test_a_japanese_text_becomes_a_page_without_training(cli, tmp_path):
    (tmp_path / "new.txt").write_text(UNSEEN)
    done = cli(tmp_path, "segment", "new.txt")
    assert done.returncode == 0, done.stderr
    threshold = load_ready_model("japanese").threshold("any", "ja")
    assert done.stderr == f"model japanese, threshold {threshold:.2f}\n"
    assert "".join(done.stdout.split()) == "".join(UNSEEN.split())
    lines = done.stdout.splitlines()
    assert len(lines) > 1
    assert lines[0].startswith("　")
    assert all(line.strip() for line in lines)
    assert [path.name for path in tmp_path.iterdir()] == ["new.txt"]


def test_an_english_text_is_split_from_python(tmp_path):
    text = (
        "It was late. The rain had not stopped since noon. “Are you coming?” said Anna. “In a "
        "minute,” said Tom. He looked for his hat. The next morning the sun was shining."
    )
    found = segment(text, Workspace(tmp_path / "none"), paragraphs=3)
    assert found.model == "european"
    assert len(found.paragraphs()) == 3
    assert "".join(found.paragraphs()) == text
    assert not (tmp_path / "none").exists()


def test_a_text_that_begins_with_dialogue_begins_with_a_line(tmp_path):
    text = "「おはよう」と彼は言った。「もう朝か」彼女は起きた。外は雨だった。" * 2
    page = segment(text, Workspace(tmp_path)).to_page()
    assert page.startswith("「おはよう」")
    everywhere = segment(text, Workspace(tmp_path), threshold=0.0)
    assert everywhere.boundaries.all()
    unlikely = everywhere.probabilities < load_ready_model("japanese").threshold("any", "ja")
    assert everywhere.is_paragraph[
        unlikely
    ].all()  # these are boundaries only because of the threshold


def test_the_latest_run_comes_first_and_a_model_can_be_chosen(trained, cli):
    with_run = cli(trained, "segment", "-", "--json", input=UNSEEN)
    latest = list_runs(Workspace(trained / ".segtool"))[-1]  # other tests may have trained it
    assert json.loads(with_run.stdout)["model"] == latest.name
    with_model = cli(trained, "segment", "-", "--json", "--model", "japanese", input=UNSEEN)
    content = json.loads(with_model.stdout)
    assert content["model"] == "japanese"
    assert {sentence["type"] for sentence in content["sentences"]} <= {"paragraph", "line", None}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ["--model", "klingon"],
            "no model 'klingon': the ready models are european, "
            "european-fast, japanese, japanese-fast",
        ),
        (["--model", "japanese", "--run", "x"], "--model cannot be combined with --run"),
        (["--language", "Japanese"], "sentencex has no rules for the language 'Japanese'"),
    ],
)
def test_mistakes_in_the_choice_are_reported(cli, tmp_path, options, message):
    assert message in mistake(cli(tmp_path, "segment", "-", *options, input=UNSEEN))


def test_models_are_listed_and_shown(cli, tmp_path):
    listed = json.loads(cli(tmp_path, "models", "--json").stdout)["models"]
    assert [model["name"] for model in listed] == sorted(model["name"] for model in listed)
    shown = cli(tmp_path, "models", "japanese").stdout
    assert "japanese" in shown
    assert "european" not in shown
    assert "no model 'x'" in mistake(cli(tmp_path, "models", "x"))


def test_a_model_is_scored_on_every_type_of_boundary(cli, tmp_path):
    sentences = ["雨が降った。", "風も吹いた。", "「寒い」", "「そうだね」", "朝が来た。"] * 4
    record = {"sentences": sentences, "labels": [2, 0, 1, 1, 2] * 4, "split": "test"}
    (tmp_path / "typed.jsonl").write_text(json.dumps(record))
    assert cli(tmp_path, "embed", "typed.jsonl").returncode == 0
    done = cli(tmp_path, "eval", "japanese", "--json", "--type", "paragraph")
    assert done.returncode == 0, done.stderr
    scores = json.loads(done.stdout)
    assert (scores["run"], scores["type"], scores["boundaries"]) == ("japanese", "paragraph", 8)
    assert scores.keys() >= {"split", "sentences", "threshold", "f1", "pk", "baselines"}
    assert scores["f1"] == scores["types"]["paragraph"]["f1"]
    assert {name: own["boundaries"] for name, own in scores["types"].items()} == {
        "any": 16, "line": 9, "paragraph": 8,
    }  # fmt: skip
    shown = cli(tmp_path, "eval", "japanese").stdout
    assert "paragraph" in shown
    (tmp_path / "plain.jsonl").write_text(json.dumps(record | {"labels": [1, 0, 0, 0, 1] * 4}))
    assert cli(tmp_path, "embed", "plain.jsonl").returncode == 0
    scores = json.loads(cli(tmp_path, "eval", "japanese", "--json").stdout)
    assert {own["boundaries"] for own in scores["types"].values()} == {8}


def test_a_head_learns_the_boundaries_of_one_type(cli, tmp_path):
    page = "　雨が降った。風も吹いた。\n「寒い」\n「そうだね」\n　朝が来た。鳥が鳴いた。\n" * 30
    (tmp_path / "page.txt").write_text(page)
    embedded = cli(tmp_path, "embed", "page.txt", "--boundary", "typed", *SURFACE, "--json")
    assert embedded.returncode == 0, embedded.stderr
    counts = {}
    for kind in ("any", "line", "paragraph"):
        done = cli(tmp_path, "train", "--type", kind, "--epochs", "1", "--json")
        assert done.returncode == 0, done.stderr
        run = tmp_path / ".segtool/runs" / json.loads(done.stdout)["run"] / "run.json"
        counts[kind] = json.loads(run.read_text())["counts"]["train"]["boundaries"]
    assert counts["any"] > counts["line"] > 0
    assert counts["any"] > counts["paragraph"] > 0
    names = [path.name for path in (tmp_path / ".segtool/runs").iterdir()]
    assert sorted(names) == ["mlp-w4-001", "mlp-w4-002", "mlp-w4-003"]
    other = mistake(cli(tmp_path, "compare", *sorted(names)[:2]))
    assert "choose runs of the same type" in other
    wrong = mistake(cli(tmp_path, "eval", "mlp-w4-003", "--type", "line"))
    assert "predicts boundaries of type paragraph: leave out --type" in wrong


def test_a_corpus_without_types_has_no_heads_for_one_type(trained, cli):
    done = cli(trained, "train", "--corpus", "stories", "--type", "paragraph")
    assert "the boundaries of the corpus stories have no types" in mistake(done)


def test_a_ready_model_is_adapted_to_a_few_pages(cli, tmp_path):
    page = "　雨が降った。風も吹いた。\n「寒い」\n「そうだね」\n　朝が来た。鳥が鳴いた。\n" * 15
    (tmp_path / "page.txt").write_text(page)
    assert cli(tmp_path, "embed", "page.txt", "--boundary", "typed").returncode == 0
    hinted = cli(tmp_path, "train", "--epochs", "1")
    assert hinted.returncode == 0
    assert hinted.stderr.startswith("hint: with so little text, training from a ready model")
    assert hinted.stderr.endswith("segtool train --from japanese\n")
    paragraphs = cli(tmp_path, "train", "--epochs", "1", "--type", "paragraph")
    assert paragraphs.stderr.endswith("segtool train --from japanese --type paragraph\n")
    assert cli(tmp_path, "train", "--epochs", "1", "--type", "line").stderr == ""  # no such head
    options = ("--from", "japanese", "--type", "paragraph", "--seed", "3", "--window", "4")
    done = cli(tmp_path, "train", *options)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "Run mlp-w4-004: mlp, window 4, from japanese, " in done.stdout
    record = json.loads((tmp_path / ".segtool/runs/mlp-w4-004/run.json").read_text())
    assert record["start"]["name"] == "japanese"
    assert (record["options"]["boundary_type"], record["options"]["seed"]) == ("paragraph", 3)
    assert "mlp, window 4, from japanese, seed 3" in cli(tmp_path, "runs").stdout


def test_options_that_contradict_a_ready_model_are_reported(trained, cli):
    command = "train", "--corpus", "stories", "--from", "japanese"
    for options, message in (
        (("--window", "2"), "the trained model has window 4, not 2: leave out the option window"),
        (("--type", "line"), "no head for boundaries of type line: choose --type any or paragraph"),
        ((), "the corpus stories is not embedded with it: run segtool embed with --encoder e5"),
    ):
        assert message in mistake(cli(trained, *command, *options))
