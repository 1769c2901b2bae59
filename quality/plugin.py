"""A plugin of pytest for mutmut, which runs the fastest tests of a mutant, the fastest first."""

import json
import os
from itertools import accumulate
from pathlib import Path

import pytest

SECONDS = 60
"""Time for the tests of a mutant. Nearly all tests call some functions, and would take minutes."""


def pytest_configure() -> None:
    """Hide mutmut from the child processes of tests while it records which tests call a function.

    They cannot report to mutmut, and not all of them can read its configuration.
    """
    if os.environ.get("MUTANT_UNDER_TEST") == "stats":
        del os.environ["MUTANT_UNDER_TEST"]  # in this process, mutmut uses a variable of its own


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Sort the tests by their times, if these were measured, and leave out the slowest."""
    statistics = Path("mutmut-stats.json")
    if not statistics.exists():
        return
    measured = json.loads(statistics.read_text(encoding="utf-8"))["duration_by_test"]
    items.sort(key=lambda item: float(measured.get(item.nodeid, 0)))
    totals = accumulate(float(measured.get(item.nodeid, 0)) for item in items)
    kept = max(1, sum(total <= SECONDS for total in totals))
    config.hook.pytest_deselected(items=items[kept:])
    del items[kept:]
