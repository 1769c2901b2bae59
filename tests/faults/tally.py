"""Counts how trials ended, and writes the table of docs/reliability.md."""

import os
import platform
import re
from collections import Counter
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.faults.children import BAD, Outcome

PAGE = ROOT / "docs/reliability.md"


def counts(short: int, name: str, long: int) -> pytest.MarkDecorator:
    """Run a test with a few trials, and with the marker `faults` with many.

    Args:
        short: Number of trials in `make test`.
        name: Environment variable with the number in `make test-faults`.
        long: Number if the variable is not set.
    """
    many = pytest.param(
        int(os.environ.get(name, long)), marks=pytest.mark.faults, id=f"{name.lower()}"
    )
    return pytest.mark.parametrize("count", [pytest.param(short, id="short"), many])


class Tally:
    """Counts the outcomes of trials by fault.

    Attributes:
        outcomes: Number of trials by fault and outcome.
    """

    def __init__(self) -> None:
        self.outcomes: dict[str, dict[str, int]] = {}

    def check(self, fault: str, outcomes: list[Outcome]) -> None:
        """Count the outcomes of the trials of a fault, and fail if one of them is bad."""
        self.add({fault: Counter(outcome for outcome, _ in outcomes)})
        bad = [(outcome, message) for outcome, message in outcomes if outcome in BAD]
        assert not bad, f"{len(bad)} of {len(outcomes)} trials: {bad[:3]}"

    def add(self, outcomes: Mapping[str, Mapping[str, int]]) -> None:
        """Add numbers of trials by fault and outcome."""
        for fault, counted in outcomes.items():
            known = self.outcomes.get(fault, {})
            self.outcomes[fault] = dict(Counter(known) + Counter(counted))

    def write(self, page: Path) -> None:
        """Replace the table between the marks in a page."""
        lines = ["| fault | runs | lost | wrong | hung | crashed | unclear |"]
        lines.append("| --- " * 7 + "|")
        for fault, counted in sorted(self.outcomes.items()):
            numbers = [sum(counted.values()), *(counted.get(outcome, 0) for outcome in BAD)]
            lines.append(f"| {fault} | " + " | ".join(f"{n:,}" for n in numbers) + " |")
        system = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
        note = f"Output of `make test-faults` on {date.today()}, {os.cpu_count()} cores, {system}."
        write_section(page, "faults", "\n".join([note, "", *lines]))


def write_section(page: Path, name: str, content: str) -> None:
    """Replace what is between the marks of a section of a page."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    text = page.read_text(encoding="utf-8")
    section = f"{begin}\n\n{content}\n\n{end}"
    changed = re.sub(f"{begin}.*{end}", lambda _: section, text, flags=re.DOTALL)
    page.write_text(changed, encoding="utf-8")
