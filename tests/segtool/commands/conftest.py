"""Fixtures of the tests of commands."""

import json
import shutil

import pytest


@pytest.fixture
def three_runs(trained, tmp_path):
    """A folder with three runs, of which the second has the highest dev F1."""
    folder = tmp_path / "copy"
    shutil.copytree(trained, folder)
    runs = folder / ".segtool/runs"
    for number, f1 in ((1, 0.5), (2, 0.7), (3, 0.6)):
        run = runs / f"mlp-w1-00{number}"
        if number > 1:
            shutil.copytree(runs / "mlp-w1-001", run)
        record = json.loads((run / "run.json").read_text())
        record.pop("checksum", None)
        record["dev"]["f1"] = f1
        record["created"] = f"2026-01-0{number}T00:00:00+00:00"
        (run / "run.json").write_text(json.dumps(record))
    return folder
