"""A workspace in which a grid was swept."""

import pytest

from segclf.experiments.grids import expand
from segclf.experiments.sweeps import sweep
from segclf.workspace.workspace import Workspace
from tests.segclf.experiments.corpora import GRID, embed_hashes


@pytest.fixture(scope="session")
def swept(tmp_path_factory):
    """A workspace in which a grid was swept by two processes."""
    workspace = Workspace(tmp_path_factory.mktemp("swept"))
    embed_hashes(workspace)
    outcomes = sweep(workspace, expand(GRID), jobs=2)
    assert all(outcome.new and outcome.error is None for outcome in outcomes)
    return workspace
