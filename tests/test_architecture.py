"""The house stands as its plan says."""

import ast
import re

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from segclf.heads.base import Head
from segclf.inputs.examples import Sentences
from tests.conftest import ROOT
from tests.segclf.topics import topics

PAGE = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
MAY_IMPORT = {
    "embedcache": {"embedcache"},
    "segclf": {"embedcache", "segclf"},
    "segtool": {"embedcache", "segclf", "segtool"},
}


def imported(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_imports_run_one_way(package):
    for path in (ROOT / package).rglob("*.py"):
        ours = {name.split(".")[0] for name in imported(path)} & MAY_IMPORT.keys()
        assert ours <= MAY_IMPORT[package], path


def test_every_room_on_the_plan_is_there():
    rooms = re.findall(r"^\| ((?:`[^`]+`(?:, )?)+) \|", PAGE, re.MULTILINE)
    names = [name for row in rooms for name in re.findall(r"`([^`]+)`", row)]
    assert len(names) > 15
    folder = ""
    for name in names:
        if "/" in name:
            folder = name.rsplit("/", 1)[0]
        path = name if "/" in name or name == "cli.py" else f"{folder}/{name}"
        assert (ROOT / path).exists(), path


def test_the_head_that_the_page_adds_works():
    (source,) = re.findall(r"```python\n# segclf/heads/gru.py\n(.*?)```", PAGE, re.DOTALL)
    names = {"Head": Head, "Sentences": Sentences, "nn": nn, "Tensor": Tensor}
    exec(source, names)
    examples = topics(0, documents=1)
    torch.manual_seed(0)
    probabilities = names["GRU"](16, 2).predict(examples)
    assert probabilities.shape == examples.layout.labels.shape
    assert np.ptp(probabilities) > 0
