"""Fixtures of the tests that break something many times."""

import json
import os
import shutil
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.conftest import STORIES
from tests.faults.children import RIGHT, command, run_in_child
from tests.faults.tally import PAGE, Tally

_OF_ALL_WORKERS = Tally()


@pytest.fixture(scope="session")
def tally(pytestconfig: pytest.Config) -> Iterator[Tally]:
    """Counts outcomes. A worker of pytest-xdist sends them to the main process at the end."""
    counted = Tally()
    yield counted
    if hasattr(pytestconfig, "workeroutput"):
        pytestconfig.workeroutput["outcomes"] = counted.outcomes
    else:
        _OF_ALL_WORKERS.add(counted.outcomes)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Receive the outcomes of a worker."""
    _OF_ALL_WORKERS.add(getattr(node, "workeroutput", {}).get("outcomes", {}))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the outcomes to docs/reliability.md if FAULTS_TABLE is set."""
    if os.environ.get("FAULTS_TABLE") and not hasattr(session.config, "workeroutput"):
        _OF_ALL_WORKERS.write(PAGE)


@pytest.fixture(scope="session")
def warm() -> None:
    """Import in this process what its forks need."""
    for name in (
        "matplotlib.backends.backend_agg",
        "scipy.optimize",
        "segclf.finetune",
        "segclf.tasks.evaluate",
        "segclf.tasks.train",
        "segtool.app",
        "sentence_transformers",
        "torch._dynamo",
    ):
        import_module(name)
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def finished(first_trained: Path, tmp_path_factory: pytest.TempPathFactory, warm: None) -> Path:
    """A folder with embedded stories, a run with scores, an exported model and a text."""
    folder = tmp_path_factory.mktemp("finished") / "folder"
    shutil.copytree(first_trained, folder)
    shutil.copytree(STORIES, folder / "stories")
    (folder / "new.txt").write_text((STORIES / "eki.txt").read_text().replace("\n", ""))

    def prepare() -> None:
        (folder / "evaluated.json").write_text(command(folder, "eval", "--json"))
        command(folder, "export", "mlp-w1-001", "model")

    assert run_in_child(prepare) == (RIGHT, "")
    return folder


def scores(printed: str) -> dict[str, object]:
    """Return what `segtool eval --json` printed, without the time."""
    return {name: value for name, value in json.loads(printed).items() if "seconds" not in name}
