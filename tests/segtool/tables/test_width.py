"""The output of commands fits the width that COLUMNS states: real processes."""

import pytest

COMMANDS = ["models", "encoders", "stats", "runs", "corpora show", "eval mlp-w1-001"]


@pytest.mark.parametrize("command", COMMANDS)
def test_the_output_of_a_command_fits_60_columns(trained, segtool, command):
    done = segtool(trained, *command.split(), variables={"COLUMNS": "60"})
    assert done.returncode == 0, done.stderr
    assert done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 60
    assert "…" not in done.stdout
