"""Tests of `segtool segment` as a subprocess: several files, and texts that have paragraphs."""

import gzip
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.segclf.corpus.books import epub
from tests.segtool.texts import mistake

RAIN = "雨が降る。風も吹く。「寒い」と彼は言った。夜になった。"


@pytest.fixture
def texts(tmp_path):
    """A folder with texts in subfolders, and files that are not texts."""
    (tmp_path / "in/deep").mkdir(parents=True)
    (tmp_path / "in/a.txt").write_bytes(f"{RAIN}\r\n".encode("cp932"))
    (tmp_path / "in/deep/b.md").write_text(RAIN)
    (tmp_path / "in/deep/.hidden.txt").write_text(RAIN)
    (tmp_path / "in/picture.png").write_bytes(b"\x89PNG\r\n")
    return tmp_path


def files(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.*"))


def test_a_folder_is_segmented_into_a_folder(trained, cli, texts):
    workspace = ("--workspace", str(trained / ".segtool"))
    (texts / "c.txt").write_text(RAIN)
    command = ("segment", "in", "c.txt", "--output-dir", "out", "--threshold", "0", *workspace)
    done = cli(texts, *command)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert files(texts / "out") == ["a.txt", "c.txt", "deep/b.md"]
    a = (texts / "out/a.txt").read_bytes().decode("cp932")
    assert a == "雨が降る。\r\n\r\n風も吹く。\r\n\r\n「寒い」と彼は言った。\r\n\r\n夜になった。\r\n"
    run, *lines = done.stderr.splitlines()
    assert run.startswith("run mlp-w1-")
    assert run.endswith(", threshold 0.00")
    assert lines == [
        f"{number}/3 {Path('out') / name}: 4 paragraphs"
        for number, name in enumerate(("a.txt", "deep/b.md", "c.txt"), 1)
    ]
    (texts / "c.txt").write_text(RAIN * 2)  # an existing file is overwritten
    assert cli(texts, *command).returncode == 0
    assert (texts / "out/c.txt").read_text().count("\n\n") == 7
    done = cli(texts, *command[:3], "--output-dir", "html", "--format", "html", *workspace)
    assert done.returncode == 0, done.stderr
    assert files(texts / "html") == ["a.html", "c.html", "deep/b.html"]
    done = cli(texts, "segment", "in", "--output-dir", "in/out", "--json", *workspace)
    again = cli(texts, "segment", "in", "--output-dir", "in/out", "--json", *workspace)
    assert (done.returncode, again.returncode) == (0, 0), again.stderr
    assert files(texts / "in/out") == ["a.json", "deep/b.json"]  # earlier results are not read
    assert json.loads((texts / "in/out/a.json").read_text())["sentences"][0]["boundary"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["in/a.txt", "in/deep/b.md", "--output", "x"], "use --output-dir FOLDER"),
        (["in", "--output-dir", "out", "-o", "x"], "use only one of them"),
        (["in", "--output-dir", "in"], "in/a.txt is an input file: choose another output"),
        (["in/a.txt", "--output", "in/../in/a.txt"], "is an input file: choose another output"),
        (["in", "--output-dir", "out", "--sentences", "--layout", "keep"], "use only one of them"),
    ],
)
def test_mistakes_with_several_files_are_reported_before_anything_is_written(
    cli, texts, arguments, message
):
    before = {path: path.read_bytes() for path in texts.rglob("*.*")}
    assert message in mistake(cli(texts, "segment", *arguments))
    assert {path: path.read_bytes() for path in texts.rglob("*.*")} == before


def test_a_bad_file_does_not_stop_the_others(trained, cli, texts):
    (texts / "in/0.txt").write_bytes(b"abc\xff\xfe\x01")
    (texts / "in/empty.txt").write_text("\n")
    (texts / "in/link.txt").symlink_to("nowhere")
    (texts / "out/deep/b.md").mkdir(parents=True)
    command = (
        "segment",
        "in",
        "none.txt",
        "--output-dir",
        "out",
        "--workspace",
        trained / ".segtool",
    )
    done = cli(texts, *map(str, command))
    assert done.returncode == 1
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert [error.split(":")[1].strip() for error in errors] == [
        "in/link.txt is a broken link", "in/0.txt", "out/deep/b.md", "in/empty.txt", "none.txt",
    ]  # fmt: skip
    assert done.stderr.splitlines()[-1] == (
        "skipped 5 of 6 files: in/link.txt, in/0.txt, in/deep/b.md, in/empty.txt, none.txt"
    )
    assert (texts / "out/a.txt").is_file()
    done = cli(texts, *map(str, command), "--strict")
    assert done.returncode == 2
    assert "error: in/link.txt is a broken link" in done.stderr


def test_strict_stops_at_the_first_bad_file(trained, cli, texts):
    (texts / "in/b.txt").write_bytes(b"\xff\xd8\xff")
    workspace = ("--workspace", str(trained / ".segtool"))
    done = cli(texts, "segment", "in", "--output-dir", "out", "--strict", *workspace)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("error: in/b.txt is a JPEG image")
    assert files(texts / "out") == ["a.txt"]


def test_books_in_other_formats_become_text_files(trained, cli, tmp_path):
    paragraphs = "".join(f"<p>{sentence}。</p>" for sentence in RAIN.split("。")[:-1])
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.html").write_text(f"<h1>雨</h1>{paragraphs}")
    (tmp_path / "in/b.epub").write_bytes(epub({"one": paragraphs}))
    (tmp_path / "in/c.txt.gz").write_bytes(gzip.compress(RAIN.encode("cp932")))
    (tmp_path / "in/d.vtt").write_text(f"WEBVTT\n\n00:01.000 --> 00:02.000\n{RAIN}\n")
    command = ("segment", "in", "--output-dir", "out", "--workspace", str(trained / ".segtool"))
    done = cli(tmp_path, *command, "--layout", "ignore")
    assert done.returncode == 0, done.stderr
    assert files(tmp_path / "out") == ["a.txt", "b.txt", "c.txt", "d.txt"]
    assert (tmp_path / "out/a.txt").read_text().startswith("# 雨\n\n雨が降る。")
    assert (tmp_path / "out/c.txt").read_bytes().decode("cp932").startswith("雨が降る。")
    done = cli(tmp_path, *command, "--layout", "keep", "--format", "html")
    page = (tmp_path / "out/a.html").read_text()
    assert page.startswith("<h2>雨</h2>\n<p>雨が降る。</p>\n<p>風も吹く。</p>\n")
    done = cli(tmp_path, "segment", "-", *command[4:], "--json", input=paragraphs)
    assert json.loads(done.stdout)["text"] == paragraphs  # a fragment that no suffix shows


def test_the_encoding_of_a_text_can_be_given(trained, cli, tmp_path):
    (tmp_path / "a.txt").write_bytes("Ça va ? Né ici.".encode("cp850"))
    workspace = ("--workspace", str(trained / ".segtool"))
    command = ("segment", "a.txt", *workspace, "--output", "b.txt")
    assert "set it with --text-encoding" in mistake(cli(tmp_path, *command))
    assert "unknown text enc" in mistake(cli(tmp_path, *command, "--text-encoding", "cp8"))
    done = cli(tmp_path, *command, "--text-encoding", "cp850")
    assert done.returncode == 0, done.stderr
    assert "Né ici." in (tmp_path / "b.txt").read_bytes().decode("cp850")


def test_a_model_that_cannot_be_loaded_is_reported_once(segtool, cli, texts):
    (texts / "in/c.txt").write_text(RAIN)
    command = ("segment", "in", "--output-dir", "out")
    line = mistake(cli(texts, *command, "--device", "cuda:99"))
    assert "--device cuda:99" in line
    package = shutil.copytree(ROOT / "segclf", texts / "package/segclf")
    (package / "models/japanese/model.json").write_text("{")
    broken = os.pathsep.join([str(package.parent), str(ROOT)])
    line = mistake(segtool(texts, *command, variables={"PYTHONPATH": broken}))
    assert "model.json is damaged" in line
    assert not (texts / "out").exists()


@pytest.mark.skipif(
    os.name == "nt", reason="the test interrupts another process with a POSIX signal"
)
def test_an_interruption_keeps_finished_files(trained, texts):
    os.mkfifo(texts / "waits.txt")  # reading it would wait forever
    command = [str(Path(sys.executable).parent / "segtool"), "segment", "in/a.txt", "waits.txt"]
    options = ["--output-dir", "out", "--workspace", str(trained / ".segtool")]
    with subprocess.Popen([*command, *options], cwd=texts, stderr=subprocess.PIPE) as process:
        while not (texts / "out/a.txt").exists():
            assert process.poll() is None
            time.sleep(0.1)
        time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate()
    assert process.returncode == 130
    assert b"Interrupted" in errors
    assert files(texts / "out") == ["a.txt"]


OLD = "雨が降る。風も吹く。\n「寒い」と彼は言った。\n　夜になった。朝が来た。\n"
NOTICE = "notice: the existing paragraphs of the text are ignored: use --layout keep to keep them"


def test_existing_paragraphs_are_ignored_with_a_notice_or_kept(cli, tmp_path):
    (tmp_path / "old.txt").write_text(OLD)
    command = ("segment", "old.txt", "--fast")  # it converts no encoder, which prints a line
    ignored = cli(tmp_path, *command, "--paragraphs", "1")
    assert ignored.stdout.count("\n") == 1
    assert ignored.stderr.startswith(NOTICE)
    assert ignored.stderr.count("\n") == 2
    silent = cli(tmp_path, *command, "--paragraphs", "1", "--layout", "ignore")
    assert (silent.stdout, silent.stderr.count("\n")) == (ignored.stdout, 1)
    keep = (*command, "--layout", "keep")
    kept = cli(tmp_path, *keep, "--threshold", "1")
    assert kept.stdout == OLD
    assert kept.stderr.count("\n") == 1
    text = cli(tmp_path, *keep, "--threshold", "1", "--format", "text")
    assert text.stdout == OLD.replace("。\n", "。\n\n").removesuffix("\n")
    four = cli(tmp_path, *keep, "--paragraphs", "4", "--format", "html")
    assert four.stdout.count("</p>\n") == 4
    few = mistake(cli(tmp_path, *keep, "--paragraphs", "2"))
    assert (
        "paragraphs is 2, but must be from 3 (required by headings and kept paragraphs) to 5 (the "
        "number of sentences)"
    ) in few


def test_a_text_without_punctuation_gets_a_notice(cli, tmp_path):
    spoken = "so we went down to the river and it rained all day and nobody had a coat " * 10
    done = cli(tmp_path, "segment", "-", "--paragraphs", "3", input=spoken)
    assert done.stdout.count("\n\n") == 2
    *_, notice, _ = done.stderr.splitlines()  # before them, a model may be converted
    assert notice.startswith("notice: the text has hardly any punctuation: each piece of about 20")
    assert "".join(done.stdout.split()) == "".join(spoken.split())


def test_each_line_can_be_a_sentence(cli, tmp_path):
    text = "One. Two\n\nthree\r\nChapter I\n\nfour.\n"
    done = cli(tmp_path, "segment", "-", "--sentences", "--json", input=text)
    found = json.loads(done.stdout)["sentences"]
    assert [s["text"] for s in found] == ["One. Two", "three", "Chapter I", "four."]
    assert done.stderr.count("\n") == 1
