"""The architecture is as docs/architecture.md and the contracts in pyproject.toml describe it."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from segclf.heads.base import Head
from segclf.inputs.sentence_tensors import Sentences
from tests.conftest import ROOT
from tests.segclf.topics import topics

PAGE = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
PACKAGES = ("embedcache", "segclf", "segtool")


def test_imports_keep_to_the_contracts_of_the_layers():
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def first_line_of_docstring(path):
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    return docstring.splitlines()[0].removesuffix(".")


def test_the_page_lists_every_module_with_the_first_line_of_its_docstring():
    listed = dict(re.findall(r"^\| `([\w/]+\.py)` \| (.*) \|$", PAGE, re.MULTILINE))
    modules = {
        path.relative_to(ROOT).as_posix(): first_line_of_docstring(path)
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if path.name != "__init__.py"
    }
    assert listed == modules


def test_the_functions_on_the_path_of_a_sentence_exist():
    path = PAGE.split("## The path of a sentence and its label")[1].split("\n## ")[0]
    names = re.findall(r"`((?:embedcache|segclf)(?:\.\w+)+)`", path)
    assert len(names) >= 10
    for name in names:
        module, _, attribute = name.rpartition(".")
        while not (ROOT / f"{module.replace('.', '/')}.py").exists():
            module, _, first = module.rpartition(".")
            attribute = f"{first}.{attribute}"
            assert module, name
        code = f"import {module}; {module}.{attribute}"
        exec(code, {})


def test_the_example_head_of_the_page_works():
    (source,) = re.findall(r"```python\n# segclf/heads/gru.py\n(.*?)```", PAGE, re.DOTALL)
    names = {"Head": Head, "Sentences": Sentences, "nn": nn, "Tensor": Tensor}
    exec(source, names)
    examples = topics(0, documents=1)
    torch.manual_seed(0)
    probabilities = names["GRU"](16, 2).predict(examples)
    assert probabilities.shape == examples.layout.labels.shape
    assert np.ptp(probabilities) > 0
