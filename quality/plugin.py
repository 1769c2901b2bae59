"""A pytest plugin for mutmut, which runs only the fastest tests of a mutant, the fastest first."""

import json
import os
from itertools import accumulate
from pathlib import Path

import pytest

SECONDS = 60
"""Maximum time for the tests of a mutant. Some functions are called by nearly all tests."""


def pytest_configure() -> None:
    """Hide mutmut from the child processes of tests while it records which tests call a function.

    They cannot report to mutmut, and not all of them can read its configuration.
    """
    if os.environ.get("MUTANT_UNDER_TEST") == "stats":
        del os.environ["MUTANT_UNDER_TEST"]  # in this process, mutmut reads a Python variable


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Sort the tests by their measured times, and leave out the slowest beyond SECONDS in total.

    At least one test is kept. If no times were measured, all tests are kept.
    """
    statistics = Path("mutmut-stats.json")
    if not statistics.exists():
        return
    measured = json.loads(statistics.read_text(encoding="utf-8"))["duration_by_test"]
    items.sort(key=lambda item: float(measured.get(item.nodeid, 0)))
    totals = accumulate(float(measured.get(item.nodeid, 0)) for item in items)
    kept = max(1, sum(total <= SECONDS for total in totals))
    config.hook.pytest_deselected(items=items[kept:])
    del items[kept:]
