"""`segtool train`, `eval` and `segment`: real processes, real models."""

import json
import os
import re
import shutil
from itertools import pairwise

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from segclf.tasks.segment import segment
from segclf.workspace.runs import load_run
from segclf.workspace.workspace import Workspace
from tests.conftest import ROOT, STORIES, SURFACE
from tests.segtool.texts import NOVEL, ODD, UNSEEN, mistake

EVAL_KEYS = {
    "run", "head", "window", "encoder", "split", "sentences", "boundaries", "threshold",
    "precision", "recall", "f1", "pk", "window_diff", "baselines",
}  # fmt: skip


TRAIN_KEYS = {
    "run", "head", "window", "loss", "seed", "parameters", "epochs", "best_epoch", "dev",
    "threshold", "seconds_per_epoch", "seconds",
}  # fmt: skip


def test_training_and_scores_have_the_documented_keys(trained, cli):
    embedded = json.loads((trained / "embedded.json").read_text())
    assert json.loads((trained / "trained.json").read_text()).keys() >= TRAIN_KEYS
    scores = json.loads(cli(trained, "eval", "--json").stdout)
    assert scores.keys() >= EVAL_KEYS
    assert {"expected_error", "brier", "bins"} <= scores["reliability"].keys()
    assert scores["temperature"] > 0
    assert scores["sentences"] == embedded["splits"]["test"]["sentences"]
    assert scores["f1"] > max(baseline["f1"] for baseline in scores["baselines"].values())


def test_a_run_record_is_complete(trained):
    run = trained / ".segtool/runs/mlp-w1-001"
    record = json.loads((run / "run.json").read_text())
    assert record["history"][0]["epoch"] == 0
    assert len(record["history"]) == record["epochs"] + 1
    assert record["versions"].keys() >= {"torch", "numpy", "python", "segtool"}
    assert record["options"]["seed"] == 0
    best = max(record["history"][1:], key=lambda epoch: epoch["f1"])
    assert best["epoch"] == record["best_epoch"]
    assert {path.suffix for path in run.iterdir()} <= {".json", ".npy", ".png", ".safetensors"}
    assert record["dev_at_half"].keys() >= {"f1", "collapsed"}
    assert record["machine"]["threads"] == 1


@pytest.mark.parametrize("text", [UNSEEN, ODD], ids=["story", "odd"])
def test_segmenting_changes_only_breaks_and_the_space_around_them(trained, cli, text):
    (trained / "new.txt").write_bytes(text.encode())
    done = cli(trained, "segment", "new.txt", "--output", "out.txt")
    assert done.returncode == 0, done.stderr
    out = (trained / "out.txt").read_bytes().decode()
    found = json.loads(cli(trained, "segment", "new.txt", "--format", "json").stdout)
    assert found["text"] == text
    starts = [s["start"] for s in found["sentences"] if s["boundary"]]
    edges = [0, *starts[1:], len(text)]
    pieces = [text[a:b] for a, b in pairwise(edges)]
    assert "".join(pieces) == text
    assert "".join(out.split()) == "".join(text.split())
    assert len(re.split(r"(?:\r\n|\n)\s*(?:\r\n|\n)", out.strip())) >= len(pieces)
    assert found["sentences"][0]["probability"] == 1
    for sentence in found["sentences"]:
        assert 0 <= sentence["probability"] <= 1
        assert sentence["text"] in " ".join(text[sentence["start"] : sentence["end"]].split())


@pytest.mark.parametrize("encoding", ["cp932", "utf-8-sig", "utf-16"])
def test_the_output_has_the_encoding_and_the_newlines_of_the_input(trained, cli, encoding):
    text = "雨が降る。風も吹く。\r\n「寒い」と彼は言った。夜になった。\r\n" * 4
    (trained / "sjis.txt").write_bytes(text.encode(encoding))
    options = ("--threshold", "0", "--output", "sjis-out.txt")
    done = cli(trained, "segment", "sjis.txt", *options)
    assert done.returncode == 0, done.stderr
    out = (trained / "sjis-out.txt").read_bytes()
    expected = "雨が降る。\r\n\r\n風も吹く。\r\n\r\n「寒い」と彼は言った。\r\n\r\n夜になった。\r\n"
    assert out == "\r\n".join([expected] * 4).encode(encoding)


def test_markup_is_kept_unless_the_text_is_a_complete_aozora_file(trained, cli):
    excerpt = "彼は［＃ここは要確認］来た。\n※［＃「口＋堯」、U+5635、71-2］と言った。\n" * 3
    (trained / "excerpt.txt").write_bytes(excerpt.encode("cp932"))
    command = ("segment", "excerpt.txt", "--paragraphs", "1", "--output", "excerpt-out.txt")
    assert cli(trained, *command).returncode == 0
    assert (trained / "excerpt-out.txt").read_bytes() == excerpt.encode("cp932")
    done = cli(trained, *command, "--input-format", "aozora")
    assert (trained / "excerpt-out.txt").read_text(encoding="utf-8") == (
        "彼は来た。\n嘵と言った。\n" * 3
    ).strip()
    assert (
        "the output is in UTF-8, because cp932, the encoding of the input, cannot represent 嘵"
        in done.stderr
    )


def test_the_number_and_length_of_paragraphs_can_be_chosen(trained):
    workspace = Workspace(trained / ".segtool")
    run = load_run(workspace, "mlp-w1-001")
    text = (ROOT / "examples/unseen.txt").read_text()
    whole = segment(text, workspace, run)
    n = len(whole.sentences)
    before = np.zeros(n, dtype=bool)
    for count in range(1, n + 1):
        boundaries = segment(text, workspace, run, paragraphs=count).boundaries
        assert boundaries.sum() == count
        assert not (before & ~boundaries).any()
        before = boundaries
    probabilities = whole.probabilities[1:]
    for threshold in (0.0, float(np.median(probabilities)), 1.0):
        boundaries = segment(text, workspace, run, threshold=threshold).boundaries
        np.testing.assert_array_equal(boundaries[1:], probabilities >= threshold)
    *lengths, last = np.diff(
        [
            *np.flatnonzero(segment(text, workspace, run, min_length=2, max_length=3).boundaries),
            n,
        ]
    )
    assert set(lengths) <= {2, 3}
    assert last <= 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--paragraphs", "0"], "must be from 1 to"),
        (["--paragraphs", "999"], "must be from 1 to"),
        (["--threshold", "1.5"], "0 to 1"),
        (["--threshold", "0.5", "--paragraphs", "2"], "use only one of them"),
        (["--max-length", "3", "--paragraphs", "2"], "use only one of them"),
        (["--min-length", "0"], "1 or more"),
        (["--min-length", "5", "--max-length", "2"], "5 or more"),
    ],
)
def test_impossible_paragraph_options_are_reported(trained, cli, options, message):
    done = cli(trained, "segment", str(ROOT / "examples/unseen.txt"), *options)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_removing_the_inserted_breaks_restores_a_text_without_breaks(trained, cli):
    out = cli(trained, "segment", "-", input=UNSEEN.strip()).stdout
    assert out.count("\n\n") >= 1
    assert out.replace("\n\n", "") == UNSEEN.strip()


def test_new_text_is_split_by_the_rules_of_the_corpus_language(trained, cli, tmp_path):
    shutil.copytree(trained / ".segtool", tmp_path / ".segtool")
    (tmp_path / "de.txt").write_text("\tDas war um 5 Uhr.\nBei Dr. Meier.\n" * 40)
    embedding = ["embed", "de.txt", "--language", "de", *SURFACE]
    for command in (embedding, ["train", "--epochs", "1"]):
        done = cli(tmp_path, *command)
        assert done.returncode == 0, done.stderr
    done = cli(tmp_path, "segment", "-", "--json", input="Um 5 Uhr bzw. bei Dr. Meier. Ja.")
    sentences = [sentence["text"] for sentence in json.loads(done.stdout)["sentences"]]
    assert sentences == ["Um 5 Uhr bzw. bei Dr. Meier.", "Ja."]
    warning = "warning: the language of the text is de, but mlp-w1-001 was trained on ja: "
    assert warning in cli(tmp_path, "train", "--from", "mlp-w1-001", "--epochs", "1").stderr


def test_a_run_needs_the_corpus_but_not_its_file(trained, cli, tmp_path):
    (tmp_path / "novel.txt").write_text(NOVEL)
    workspace = str(trained / ".segtool")
    embedded = cli(tmp_path, "embed", "novel.txt", *SURFACE, "--workspace", workspace)
    assert embedded.returncode == 0, embedded.stderr
    (tmp_path / "novel.txt").unlink()
    for command in (["train", "--corpus", "novel", "--head", "mlp"], ["eval"]):
        done = cli(tmp_path, *command, "--workspace", workspace)
        assert done.returncode == 0, done.stderr


def test_a_head_reads_whole_documents(trained, cli, tmp_path):
    shutil.copytree(trained / ".segtool", tmp_path / ".segtool")
    done = cli(tmp_path, "train", "--head", "local-transformer")
    assert done.returncode == 0, done.stderr
    printed = " ".join(done.stdout.split())
    assert "Run local-transformer-r32-001: local-transformer, whole documents, reach 32" in printed
    scores = json.loads(cli(tmp_path, "eval", "--json").stdout)
    assert (scores["context"], scores["window"]) == ("document", None)
    assert scores["f1"] > scores["baselines"]["random"]["f1"]
    (tmp_path / "new.txt").write_text(UNSEEN)
    found = json.loads(cli(tmp_path, "segment", "new.txt", "--json").stdout)
    assert found["sentences"][0]["boundary"]
    assert found["text"] == UNSEEN


def test_a_run_whose_encoder_is_not_in_the_store_is_reported(trained, cli, tmp_path):
    shutil.copytree(trained / ".segtool/runs", tmp_path / ".segtool/runs")
    shutil.copytree(trained / ".segtool/corpora", tmp_path / ".segtool/corpora")
    assert "nothing is embedded" in mistake(cli(tmp_path, "eval", "mlp-w1-001"))
    Workspace(tmp_path / ".segtool").store(create=True)
    assert "has no vectors from the encoder" in mistake(cli(tmp_path, "eval", "mlp-w1-001"))


def test_a_run_with_an_incompatible_head_is_reported(trained, cli, tmp_path):
    shutil.copytree(trained / ".segtool", tmp_path / ".segtool")
    save_file({"other": torch.zeros(1)}, tmp_path / ".segtool/runs/mlp-w1-001/weights.safetensors")
    done = cli(tmp_path, "eval", "mlp-w1-001")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "train it again" in done.stderr


def test_text_is_segmented_with_a_half_precision_store(tmp_path, cli):
    shutil.copy(STORIES / "eki.txt", tmp_path)
    (tmp_path / "new.txt").write_text("朝が来た。鳥が鳴いた。")
    embedding = ["embed", "eki.txt", "--encoder", "static-paragraphs", "--dtype", "float16"]
    for command in (embedding, ["train", "--epochs", "1"]):
        assert cli(tmp_path, *command).returncode == 0
    done = cli(tmp_path, "segment", "new.txt")
    assert done.returncode == 0, done.stderr


def test_training_from_a_file_gives_the_scores_of_training_in_memory(trained, cli, tmp_path):
    shutil.copytree(trained / ".segtool", tmp_path / ".segtool")
    assert "memory is -1: use a number" in mistake(cli(tmp_path, "train", "--memory", "-1"))
    chosen = "--corpus", "stories", *SURFACE, "--head", "mlp", "--window", "1"
    found = json.loads(cli(tmp_path, "train", *chosen, "--memory", "0", "--json").stdout)
    expected = json.loads((trained / "trained.json").read_text())
    assert found["dev"] == pytest.approx(expected["dev"], abs=0.02)


def test_a_missing_package_for_onnx_is_named_before_anything_is_written(trained, segtool, tmp_path):
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\nfrom importlib import util\nfind = util.find_spec\n"
        "util.find_spec = lambda name, *rest: None if 'onnx' in name else find(name, *rest)\n"
    )
    path = os.pathsep.join([str(tmp_path), str(ROOT)])
    done = segtool(
        trained, "export", "mlp-w1-001", "model", "--onnx", variables={"PYTHONPATH": path}
    )
    assert mistake(done) == (
        "error: --onnx needs onnx, onnxruntime and onnxscript: run pip install 'segtool[onnx]'"
    )
    assert not (trained / "model").exists()


def test_mistakes_in_scoring_and_fine_tuning_are_reported(trained, cli, tmp_path):
    only = ("--name", "only", "--split", "test", *SURFACE)
    assert cli(trained, "embed", str(STORIES), *only).returncode == 0
    missing = mistake(cli(trained, "eval", "mlp-w1-001", "--corpus", "only", "--split", "dev"))
    assert "the corpus only has no dev split: choose --split from test" in missing
    surface = cli(
        trained, "finetune", "cross-segment", "--encoder", "surface", "--corpus", "stories"
    )
    assert "surface is not a single Transformer: choose a Transformer" in mistake(surface)


def test_a_text_under_two_names_has_runs_of_its_own_for_each(cli, tmp_path):
    sweep = ("sweep", "--head", "mlp", "--window", "1", "--seed", "0", "--set", "epochs=1")
    cli(tmp_path, "embed", str(STORIES), "--name", "one", *SURFACE)
    assert cli(tmp_path, "train", "--window", "1", "--epochs", "1").returncode == 0
    cli(tmp_path, "embed", str(STORIES), "--name", "two", *SURFACE)
    first, second = (json.loads(cli(tmp_path, *sweep, "--json").stdout) for _ in range(2))
    assert (first["corpus"], first["done_before"], first["done_now"]) == ("two", 0, 1)
    assert (second["corpus"], second["done_before"], second["done_now"]) == ("two", 1, 0)
    assert json.loads(cli(tmp_path, "eval", "--json").stdout)["run"] == "mlp-w1-002"


def test_a_split_of_documents_of_one_sentence_is_not_scored(cli, tmp_path):
    paragraphs = ["One. Two.", "Three. Four."] * 4
    records = [
        {"paragraphs": paragraphs, "split": "train"},
        {"paragraphs": paragraphs, "split": "dev"},
        {"paragraphs": ["Five."], "split": "test"},
        {"paragraphs": ["Six."], "split": "test"},
    ]
    (tmp_path / "x.jsonl").write_text("".join(json.dumps(one) + "\n" for one in records))
    assert cli(tmp_path, "embed", "x.jsonl", *SURFACE).returncode == 0
    sweep = ("sweep", "--head", "mlp", "--window", "1", "--seed", "0", "--set", "epochs=1")
    assert len(json.loads(cli(tmp_path, *sweep, "--json").stdout)["systems"]) == 1
    missing = mistake(cli(tmp_path, "eval", "--split", "test"))
    assert "x has no document of at least two sentences in its test split: choose" in missing
    assert missing.endswith("--split from train, dev")


def test_segment_warns_about_a_run_that_is_no_better_than_the_trivial_baseline(
    trained, cli, tmp_path
):
    shutil.copytree(trained / ".segtool", tmp_path / ".segtool")
    path = tmp_path / ".segtool/runs/mlp-w1-001/run.json"
    record = json.loads(path.read_text())
    del record["checksum"]
    messages = []
    for f1 in (0.9, 0.1):
        record["dev"]["f1"] = f1
        path.write_text(json.dumps(record))
        done = cli(tmp_path, "segment", "-", "--run", "mlp-w1-001", input=UNSEEN)
        assert done.returncode == 0, done.stderr
        messages.append("no better than a boundary before every sentence" in done.stderr)
    assert messages == [False, True]
