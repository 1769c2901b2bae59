"""A plugin of pytest for mutmut, which runs the fastest tests of a mutant first."""

import json
import os
from pathlib import Path

import pytest


def pytest_configure() -> None:
    """Hide mutmut from the child processes of tests while it records which tests call a function.

    They cannot report to mutmut, and not all of them can read its configuration.
    """
    if os.environ.get("MUTANT_UNDER_TEST") == "stats":
        del os.environ["MUTANT_UNDER_TEST"]  # in this process, mutmut uses a variable of its own


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort the tests by their times, if these were measured."""
    statistics = Path("mutmut-stats.json")
    if statistics.exists():
        seconds = json.loads(statistics.read_text(encoding="utf-8"))["duration_by_test"]
        items.sort(key=lambda item: float(seconds.get(item.nodeid, 0)))
