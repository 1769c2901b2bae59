"""`segtool report`: real processes."""

import json
import os
import re

from tests.conftest import ROOT
from tests.segclf.report.pages import Page
from tests.segtool.texts import mistake


def test_a_report_is_one_file(trained, cli, tmp_path):
    run, corpus = "mlp-w1-001", ("--corpus", "stories")
    done = cli(trained, "report", run, *corpus, "-o", str(tmp_path / "page.html"))
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(rf"{re.escape(str(tmp_path / 'page.html'))} \(\d+ kB\)\n", done.stdout)
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]
    evaluated = cli(trained, "eval", run, *corpus, "--split", "dev", "--json")
    scores = json.loads(evaluated.stdout)
    row = Page(tmp_path / "page.html").row(run)
    assert row == [
        f"{scores[name]:.3f}" for name in ("precision", "recall", "f1", "pk", "window_diff")
    ]


def test_a_ready_model_has_its_scores_for_each_type(trained_by_default, cli, tmp_path):
    path = tmp_path / "page.html"
    done = cli(
        trained_by_default, "report", "japanese", "--corpus", "eki", "-o", str(path), "--json"
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "output": str(path),
        "bytes": path.stat().st_size,
        "corpus": "eki",
        "split": "dev",
        "runs": ["japanese"],
        "figures": [],
    }
    page = Page(path)
    done = cli(
        trained_by_default, "eval", "japanese", "--corpus", "eki", "--split", "dev", "--json"
    )
    for number, scores in enumerate(json.loads(done.stdout)["types"].values()):
        names = ("precision", "recall", "f1", "pk", "window_diff")
        assert page.row("japanese", number) == [f"{scores[name]:.3f}" for name in names]


def test_a_missing_package_is_reported_before_anything_is_computed(trained, segtool, tmp_path):
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['altair'] = None\n")
    path = os.pathsep.join([str(tmp_path), str(ROOT)])
    done = segtool(trained, "report", "-o", "page.html", variables={"PYTHONPATH": path})
    assert mistake(done) == "error: a report needs altair: run pip install 'segtool[report]'"
    assert not (trained / "page.html").exists()
