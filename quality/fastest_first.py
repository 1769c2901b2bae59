"""A plugin of pytest that runs the fastest tests of a mutant first, as mutmut measured them."""

import json
from pathlib import Path

import pytest


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort the tests by their times, if these were measured."""
    statistics = Path("mutmut-stats.json")
    if statistics.exists():
        seconds = json.loads(statistics.read_text(encoding="utf-8"))["duration_by_test"]
        items.sort(key=lambda item: float(seconds.get(item.nodeid, 0)))
