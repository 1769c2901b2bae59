"""The options --quiet and --verbose: real processes."""

import pytest

from tests.conftest import STORIES, SURFACE
from tests.segtool.texts import UNSEEN, mistake


def test_verbose_prints_how_long_a_command_took(trained, cli):
    done = cli(trained, "runs", "--verbose")
    assert done.returncode == 0
    assert "runs: 0." in done.stderr
    plain = cli(trained, "runs")
    assert (plain.stdout, plain.stderr) == (done.stdout, "")


@pytest.mark.parametrize("arguments", [["-q", "segment", "-"], ["segment", "-", "--quiet"]])
def test_quiet_prints_only_the_result(trained, cli, arguments):
    done = cli(trained, *arguments, input=UNSEEN)
    assert done.returncode == 0
    assert done.stderr == ""
    assert done.stdout == cli(trained, "segment", "-", input=UNSEEN).stdout


def test_quiet_and_verbose_cannot_be_combined(cli, tmp_path):
    embedded = cli(tmp_path, "embed", str(STORIES), *SURFACE, "-q", "-v")
    assert "--quiet cannot be combined with --verbose" in mistake(embedded)


def test_verbose_names_the_file_of_the_defaults(cli, tmp_path):
    (tmp_path / "segtool.toml").write_text("[train]\nepochs = 3\n")
    assert f"defaults from {tmp_path / 'segtool.toml'}\n" in cli(tmp_path, "runs", "-v").stderr
