"""The command line, as a user types it: real processes, real models."""

import json
import re
import shutil
import signal
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from segclf.tasks.segment import segment
from segclf.workspace.runs import load_run
from segclf.workspace.workspace import Workspace
from tests.conftest import ROOT, STORIES

NOVEL = "".join(path.read_text() for path in sorted(STORIES.glob("*.txt"))[:3])
EVAL_KEYS = {
    "run", "head", "window", "encoder", "split", "sentences", "boundaries", "threshold",
    "precision", "recall", "f1", "pk", "window_diff", "baselines",
}  # fmt: skip
TRAIN_KEYS = {
    "run", "head", "window", "loss", "seed", "parameters", "epochs", "best_epoch", "dev",
    "threshold", "seconds_per_epoch", "seconds",
}  # fmt: skip
EMBED_KEYS = {
    "sentences", "unique", "encoded", "cached", "truncated", "headings_removed", "boundaries_read",
    "splits",
    "encoder", "dim", "seconds",
}  # fmt: skip


def test_json_has_the_promised_keys(trained, segtool):
    embedded = json.loads((trained / "embedded.json").read_text())
    assert embedded.keys() >= EMBED_KEYS
    assert embedded["sentences"] == sum(s["sentences"] for s in embedded["splits"].values())
    assert json.loads((trained / "trained.json").read_text()).keys() >= TRAIN_KEYS
    scores = json.loads(segtool(trained, "eval", "--json").stdout)
    assert scores.keys() >= EVAL_KEYS
    assert {"expected_error", "brier", "bins"} <= scores["reliability"].keys()
    assert scores["temperature"] > 0
    assert scores["sentences"] == embedded["splits"]["test"]["sentences"]
    assert scores["f1"] > max(baseline["f1"] for baseline in scores["baselines"].values())


def test_embedding_again_encodes_nothing(trained, segtool):
    again = json.loads(segtool(trained, "embed", str(STORIES), "--json").stdout)
    first = json.loads((trained / "embedded.json").read_text())
    assert (again["encoded"], again["cached"]) == (0, first["unique"])


def test_a_run_is_recorded_whole(trained):
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
    assert record["machine"]["threads"] >= 1


def test_a_corpus_may_come_through_a_pipe(trained, segtool):
    text = "　雨が降る。風が吹く。\n「寒い」\n　夜になった。\n"
    done = segtool(trained, "embed", "-", "--json", "--split", "test", input=text)
    assert done.returncode == 0, done.stderr
    embedded = json.loads(done.stdout)
    assert embedded["corpus"] == "stdin"
    assert embedded["splits"] == {"test": {"documents": 1, "sentences": 4, "boundaries": 2}}


UNSEEN = (ROOT / "examples/unseen.txt").read_text()
ODD = "One.  Two!\r\nThree\tfour. “Five?” six\u2028seven. 雨。\n\n　風「が」。吹く\n"


@pytest.mark.parametrize("text", [UNSEEN, ODD], ids=["story", "odd"])
def test_segmenting_changes_only_breaks_and_the_space_around_them(trained, segtool, text):
    (trained / "new.txt").write_bytes(text.encode())
    done = segtool(trained, "segment", "new.txt", "--output", "out.txt")
    assert done.returncode == 0, done.stderr
    out = (trained / "out.txt").read_bytes().decode()
    found = json.loads(segtool(trained, "segment", "new.txt", "--format", "json").stdout)
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
def test_the_output_has_the_encoding_and_the_newlines_of_the_input(trained, segtool, encoding):
    text = "雨が降る。風も吹く。\r\n「寒い」と彼は言った。夜になった。\r\n" * 4
    (trained / "sjis.txt").write_bytes(text.encode(encoding))
    options = ("--threshold", "0", "--output", "sjis-out.txt")
    done = segtool(trained, "segment", "sjis.txt", *options)
    assert done.returncode == 0, done.stderr
    out = (trained / "sjis-out.txt").read_bytes()
    expected = "雨が降る。\r\n\r\n風も吹く。\r\n\r\n「寒い」と彼は言った。\r\n\r\n夜になった。\r\n"
    assert out == "\r\n".join([expected] * 4).encode(encoding)


def test_markup_stays_unless_the_text_is_a_file_of_the_library(trained, segtool):
    excerpt = "彼は［＃ここは要確認］来た。\n※［＃「口＋堯」、U+5635、71-2］と言った。\n" * 3
    (trained / "excerpt.txt").write_bytes(excerpt.encode("cp932"))
    as_it_is = ("segment", "excerpt.txt", "--paragraphs", "1", "--output", "as-it-is.txt")
    assert segtool(trained, *as_it_is).returncode == 0
    assert (trained / "as-it-is.txt").read_bytes() == excerpt.encode("cp932")
    done = segtool(trained, *as_it_is, "--input-format", "aozora")
    assert (trained / "as-it-is.txt").read_text(encoding="utf-8") == (
        "彼は来た。\n嘵と言った。\n" * 3
    ).strip()
    assert (
        "the output is in UTF-8, because cp932, the encoding of the input, does not contain 嘵"
        in done.stderr
    )


def test_the_reader_may_ask_for_more_or_fewer_paragraphs(trained):
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
        (["--paragraphs", "0"], "take 1 to"),
        (["--paragraphs", "999"], "take 1 to"),
        (["--threshold", "1.5"], "0 to 1"),
        (["--threshold", "0.5", "--paragraphs", "2"], "leave one of both out"),
        (["--max-length", "3", "--paragraphs", "2"], "leave one of both out"),
        (["--min-length", "0"], "1 or more"),
        (["--min-length", "5", "--max-length", "2"], "5 or more"),
    ],
)
def test_paragraphs_that_cannot_be_are_told(trained, segtool, options, message):
    done = segtool(trained, "segment", str(ROOT / "examples/unseen.txt"), *options)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_text_without_breaks_reads_back_when_they_are_taken_out(trained, segtool):
    out = segtool(trained, "segment", "-", input=UNSEEN.strip()).stdout
    assert out.count("\n\n") >= 1
    assert out.replace("\n\n", "") == UNSEEN.strip()


def test_new_text_is_cut_by_the_rules_of_the_corpus_language(trained, segtool, tmp_path):
    shutil.copytree(trained / ".segtool", tmp_path / ".segtool")
    (tmp_path / "de.txt").write_text("\tDas war um 5 Uhr.\nBei Dr. Meier.\n" * 40)
    for command in (["embed", "de.txt", "--language", "de"], ["train", "--epochs", "1"]):
        done = segtool(tmp_path, *command)
        assert done.returncode == 0, done.stderr
    done = segtool(tmp_path, "segment", "-", "--json", input="Um 5 Uhr bzw. bei Dr. Meier. Ja.")
    sentences = [sentence["text"] for sentence in json.loads(done.stdout)["sentences"]]
    assert sentences == ["Um 5 Uhr bzw. bei Dr. Meier.", "Ja."]


def test_a_run_outlives_its_text(trained, segtool, tmp_path):
    (tmp_path / "novel.txt").write_text(NOVEL)
    workspace = str(trained / ".segtool")
    embedded = segtool(tmp_path, "embed", "novel.txt", "--workspace", workspace)
    assert embedded.returncode == 0, embedded.stderr
    (tmp_path / "novel.txt").unlink()
    for command in (["train", "--corpus", "novel", "--head", "mlp"], ["eval"]):
        done = segtool(tmp_path, *command, "--workspace", workspace)
        assert done.returncode == 0, done.stderr


def test_a_head_reads_whole_documents(trained, segtool, tmp_path):
    shutil.copytree(trained / ".segtool", tmp_path / ".segtool")
    done = segtool(tmp_path, "train", "--head", "local-transformer")
    assert done.returncode == 0, done.stderr
    said = " ".join(done.stdout.split())
    assert "Run local-transformer-w32-001: local-transformer, whole documents" in said
    scores = json.loads(segtool(tmp_path, "eval", "--json").stdout)
    assert (scores["context"], scores["window"]) == ("document", 32)
    assert scores["f1"] > scores["baselines"]["random"]["f1"]
    (tmp_path / "new.txt").write_text(UNSEEN)
    found = json.loads(segtool(tmp_path, "segment", "new.txt", "--json").stdout)
    assert found["sentences"][0]["boundary"]
    assert found["text"] == UNSEEN


def mistake(done):
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
    return line


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


def test_a_run_whose_encoder_is_not_in_the_store_is_told(trained, segtool, tmp_path):
    shutil.copytree(trained / ".segtool/runs", tmp_path / ".segtool/runs")
    shutil.copytree(trained / ".segtool/corpora", tmp_path / ".segtool/corpora")
    assert "nothing is embedded" in mistake(segtool(tmp_path, "eval", "mlp-w1-001"))
    Workspace(tmp_path / ".segtool").store(create=True)
    assert "has no vectors of the encoder" in mistake(segtool(tmp_path, "eval", "mlp-w1-001"))


def test_a_run_whose_head_was_made_otherwise_is_told(trained, segtool, tmp_path):
    shutil.copytree(trained / ".segtool", tmp_path / ".segtool")
    save_file({"other": torch.zeros(1)}, tmp_path / ".segtool/runs/mlp-w1-001/weights.safetensors")
    done = segtool(tmp_path, "eval", "mlp-w1-001")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "train it again" in done.stderr


def test_a_store_of_half_precision_segments_too(tmp_path, segtool):
    shutil.copy(STORIES / "eki.txt", tmp_path)
    (tmp_path / "new.txt").write_text("朝が来た。鳥が鳴いた。")
    for command in (["embed", "eki.txt", "--dtype", "float16"], ["train", "--epochs", "1"]):
        assert segtool(tmp_path, *command).returncode == 0
    done = segtool(tmp_path, "segment", "new.txt")
    assert done.returncode == 0, done.stderr


STOPPING = """
import sys, threading
from embedcache.encoders import TransformerEncoder
from segtool.app import main

encode, batches = TransformerEncoder.encode, []

def encode_two(encoder, sentences):
    if len(batches) == 2:
        print("two batches are encoded", flush=True)
        threading.Event().wait()  # for Ctrl-C
    batches.append(sentences)
    return encode(encoder, sentences)

TransformerEncoder.encode = encode_two
main()
"""


def test_ctrl_c_keeps_what_was_encoded(tmp_path, segtool):
    (tmp_path / "novel.txt").write_text(NOVEL * 2)
    arguments = ["embed", "novel.txt", "--encoder", "e5-small"]
    command = [sys.executable, "-c", STOPPING, *arguments]
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "two batches are encoded\n"
        process.send_signal(signal.SIGINT)
        stderr = process.communicate()[1]
    assert process.returncode == 130
    assert "Traceback" not in stderr
    assert "nothing is embedded" in mistake(segtool(tmp_path, "train"))
    kept = Workspace(tmp_path / ".segtool").store().spaces()[0].rows
    assert kept > 0
    done = json.loads(segtool(tmp_path, *arguments, "--json").stdout)
    assert done["cached"] == kept
    assert done["cached"] + done["encoded"] == done["unique"]


def test_what_a_space_is_made_of_is_shown(trained, segtool):
    unique = json.loads((trained / "embedded.json").read_text())["unique"]
    name = "e5-small:7+surface"
    shown = json.loads(segtool(trained, "encoders", "show", name, "--json").stdout)["encoders"]
    counted = json.loads(segtool(trained, "stats", "--json").stdout)["encoders"]
    assert [encoder["name"] for encoder in shown] == ["e5-small:7", "surface"]
    for encoder, other in zip(shown, counted, strict=True):
        assert (encoder["name"], encoder["stored"]) == (other["name"], other["stored"])
        rows = encoder["stored"]["rows"]
        assert rows >= unique  # and what was segmented
        assert encoder["stored"]["dtype"] == "float32"
        precision = encoder.get("precision", "float32")
        assert encoder["stored"]["precisions"] == {precision: rows}
    line = f"surface: {rows:,} vectors stored as float32, computed in float32"
    assert line in segtool(trained, "stats").stdout
    assert "no vectors in the store" in segtool(trained, "encoders", "show", "surface",
                                                "--workspace", "elsewhere").stdout  # fmt: skip


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


def test_encoders_are_listed_and_shown(segtool, tmp_path):
    listed = json.loads(segtool(tmp_path, "encoders", "--json").stdout)
    assert {"e5-small", "minilm"} <= listed.keys()
    shown = json.loads(segtool(tmp_path, "encoders", "show", "minilm+surface", "--json").stdout)
    assert [encoder["name"] for encoder in shown["encoders"]] == ["minilm", "surface"]
    shown = shown["encoders"][0]
    assert shown["dim"] == 384
    assert shown["max_tokens"] == 256
    assert shown["parameters"] == shown["trainable_parameters"] == 22_713_216
    assert len(shown["fingerprint"]) == 32
    assert shown["stored"] is None
    assert "all-MiniLM" in segtool(tmp_path, "encoders").stdout
