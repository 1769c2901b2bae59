"""The description of a machine."""

import pytest

from segclf.workspace.provenance import Machine


@pytest.mark.parametrize(
    ("cores", "text"),
    [(2, "EPYC, 2 cores, cpu"), (1, "EPYC, 1 core, cpu"), (None, "EPYC, cpu")],
)
def test_a_machine_is_described_in_one_line(cores, text):
    assert str(Machine("EPYC", cores, "cpu")) == text
