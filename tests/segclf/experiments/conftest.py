"""A workspace in which a grid was swept."""

import shutil

import pytest

from segclf.experiments.grids import expand
from segclf.experiments.sweeps import sweep
from segclf.workspace.workspace import Workspace
from tests.conftest import made_once
from tests.segclf.experiments.corpora import GRID, embed_hashes


@pytest.fixture(scope="session")
def swept(tmp_path_factory):
    """A workspace in which a grid was swept by two processes."""

    def make(folder):
        workspace = Workspace(folder)
        embed_hashes(workspace)
        outcomes = sweep(workspace, expand(GRID), jobs=2)
        assert all(outcome.new and outcome.error is None for outcome in outcomes)

    first = made_once(tmp_path_factory, "first-swept", make)
    return Workspace(shutil.copytree(first, tmp_path_factory.mktemp("swept") / "copy"))
