"""`segtool embed` and `segtool stats`: real processes, real models."""

import json
import os
import shutil
import signal
import subprocess
import sys

import pytest

from segclf.workspace.workspace import Workspace
from tests.conftest import STORIES, SURFACE
from tests.segtool.texts import mistake

EMBED_KEYS = {
    "sentences", "unique", "encoded", "cached", "truncated", "headings_removed", "boundaries_read",
    "splits", "encoder", "dim", "seconds",
}  # fmt: skip


def test_embedding_has_the_documented_keys(trained):
    embedded = json.loads((trained / "embedded.json").read_text())
    assert embedded.keys() >= EMBED_KEYS
    assert embedded["sentences"] == sum(
        counts["sentences"] for counts in embedded["splits"].values()
    )


def test_embedding_again_encodes_nothing(trained, cli):
    again = json.loads(cli(trained, "embed", str(STORIES), *SURFACE, "--json").stdout)
    first = json.loads((trained / "embedded.json").read_text())
    assert (again["encoded"], again["cached"]) == (0, first["unique"])


def test_a_corpus_can_be_read_from_a_pipe(trained, cli):
    text = "　雨が降る。風が吹く。\n「寒い」\n　夜になった。\n"
    done = cli(trained, "embed", "-", *SURFACE, "--json", "--split", "test", input=text)
    assert done.returncode == 0, done.stderr
    embedded = json.loads(done.stdout)
    assert embedded["corpus"] == "stdin"
    assert embedded["splits"] == {"test": {"documents": 1, "sentences": 4, "boundaries": 2}}


def test_embed_skips_bad_files_unless_strict(tmp_path, cli):
    folder = shutil.copytree(STORIES, tmp_path / "texts")
    (folder / "book.html").write_text("<p>It rained. He left.<p>She came.")
    (folder / "photo.txt").write_bytes(b"\xff\xd8\xff\xe0")
    (folder / "russian.txt").write_bytes("Дождь.".encode("cp1251"))
    done = cli(tmp_path, "embed", "texts", *SURFACE, "--strict")
    assert "photo.txt is a JPEG image" in mistake(done)
    assert not (tmp_path / ".segtool/corpora").exists()
    done = cli(tmp_path, "embed", "texts", *SURFACE, "--json")
    assert done.returncode == 1, done.stderr
    embedded = json.loads(done.stdout)
    assert sum(counts["documents"] for counts in embedded["splits"].values()) == 9
    errors = [f"error: {message}" for message in embedded["skipped"]]
    assert done.stderr.splitlines() == [*errors, "skipped 2 files (--strict stops at such a file)"]
    assert [error.split("/")[1].split()[0] for error in errors] == ["photo.txt", "russian.txt:"]
    assert cli(tmp_path, "stats", "texts/").returncode == 1
    (folder / "photo.txt").unlink()
    done = cli(tmp_path, "stats", "texts/", "--text-encoding", "cp1251")
    assert "texts/book.html" not in done.stderr  # read as UTF-8: it has ASCII only
    for unknown in ("x", "undefined"):
        assert mistake(cli(tmp_path, "stats", "texts/", "--text-encoding", unknown))


STOPPING = """
import signal, sys, threading
from embedcache.encoders import TransformerEncoder
from segtool.app import main

encode, batches, interrupted = TransformerEncoder.encode_tokens, [], threading.Event()

def encode_two(encoder, inputs):
    batches.append(inputs)
    if len(batches) == 3:
        print("two batches are encoded", flush=True)
    if len(batches) > 2:
        interrupted.wait()
    return encode(encoder, inputs)

def interrupt(*arguments):
    interrupted.set()
    signal.default_int_handler(*arguments)

TransformerEncoder.encode_tokens = encode_two
signal.signal(signal.SIGINT, interrupt)
main()
"""


@pytest.mark.parametrize("threads", ["1", "2"])
def test_ctrl_c_keeps_what_was_encoded(tmp_path, cli, threads):
    shutil.copy(STORIES / "eki.txt", tmp_path)
    arguments = ["embed", "eki.txt", "--encoder", "minilm:1", "--threads", threads]
    command = [sys.executable, "-c", STOPPING, *arguments]
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "two batches are encoded\n"
        process.send_signal(signal.SIGINT)
        stderr = process.communicate()[1]
    assert process.returncode == 130
    assert "Traceback" not in stderr
    assert stderr.splitlines()[-2:] == [
        "Interrupted. The vectors computed so far are kept.",
        f"To continue, run: segtool {' '.join(arguments)}",
    ]
    assert "nothing is embedded" in mistake(cli(tmp_path, "train"))
    kept = Workspace(tmp_path / ".segtool").store().spaces()[0].rows
    assert kept > 0
    done = json.loads(cli(tmp_path, *arguments, "--json").stdout)
    assert done["cached"] == kept
    assert done["cached"] + done["encoded"] == done["unique"]


@pytest.mark.parametrize(
    "arguments", [("embed", "text.txt"), ("train",), ("sweep", "--head", "mlp")]
)
def test_the_engine_ray_needs_its_package(tmp_path, cli, monkeypatch, arguments):
    (tmp_path / "text.txt").write_text("　雨が降る。\n　風が吹く。\n" * 5)
    monkeypatch.setitem(sys.modules, "ray", None)  # as if it were not installed
    done = cli(tmp_path, *arguments, "--engine", "ray")
    assert "run pip install 'segtool[ray]'" in mistake(done)
    assert os.listdir(tmp_path) == ["text.txt"]


def test_a_dry_run_does_not_connect_to_a_cluster(tmp_path, cli):
    done = cli(tmp_path, "sweep", "--engine", "ray", "--dry-run")
    assert "leave out --engine ray" in mistake(done)


@pytest.mark.parametrize(
    "option",
    [["--workers", "2"], ["--address", "auto"], ["--gpus-per-worker", "1"], ["--shards", "x"]],
)
def test_options_of_a_cluster_need_the_engine_ray(tmp_path, cli, option):
    (tmp_path / "text.txt").write_text("　雨が降る。\n　風が吹く。\n" * 5)
    done = cli(tmp_path, "embed", "text.txt", *option)
    assert f"{option[0]} has an effect only on a cluster: add --engine ray" in mistake(done)
    assert os.listdir(tmp_path) == ["text.txt"]
