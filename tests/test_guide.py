"""Every command and every line of Python in the user guide runs."""

import re
import shlex
from runpy import run_path
from urllib.request import urlopen

from sklearn import config_context

from tests.conftest import ROOT, STORIES, serving

GUIDE = (ROOT / "docs/guide.md").read_text(encoding="utf-8")
NEW_TEXT = (ROOT / "examples/unseen.txt").read_text(encoding="utf-8")


def blocks_of_the_guide(languages):
    return re.findall(rf"```({languages})\n(.*?)```", GUIDE, re.DOTALL)


def commands_in(block):
    lines = [line.removeprefix("$ ") for line in block.splitlines() if line.startswith("$ segtool")]
    return [shlex.split(line, comments=True)[1:] for line in lines]


def test_the_guide_runs_from_its_beginning_to_its_end(tmp_path, cli, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "corpus.txt").write_text((STORIES / "tokeiya.txt").read_text())
    (tmp_path / "new.txt").write_text(NEW_TEXT)
    for language, block in blocks_of_the_guide("console|python"):
        if language == "python":
            (tmp_path / "block.py").write_text(block, encoding="utf-8")
            capfd.readouterr()
            with config_context():  # a block changes settings of scikit-learn
                run_path("block.py")
            assert capfd.readouterr().out
            continue
        assert all(line.startswith("$ segtool") for line in block.splitlines())
        for command in commands_in(block):
            if command[0] == "serve":  # it runs until Ctrl-C, which ends it without an error
                with serving(tmp_path, *command[1:]) as url, urlopen(f"{url}api/models") as models:
                    assert b"japanese" in models.read()
                continue
            done = cli(tmp_path, *command)
            assert done.returncode == 0, f"{command}: {done.stderr}"


def test_the_options_of_the_guide_that_take_too_long_to_run_exist(tmp_path, cli):
    blocks = [block for _, block in blocks_of_the_guide("text")]
    commands = [command for block in blocks for command in commands_in(block)]
    assert commands
    for command in commands:
        words = command[:2] if command[0] == "finetune" else command[:1]
        page = cli(tmp_path, *words, "--help").stdout
        for option in [word for word in command if word.startswith("--")]:
            assert re.search(rf"{option}\b", page), (command, option)


def test_make_targets_of_the_guide_exist():
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"`make (\w+)`", GUIDE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_the_configuration_of_the_guide_is_valid(tmp_path, cli):
    (content,) = [block for _, block in blocks_of_the_guide("toml") if "[train]" in block]
    (tmp_path / "segtool.toml").write_text(content)
    done = cli(tmp_path, "config")
    assert done.returncode == 0, done.stderr
    assert "train.head" in done.stdout
