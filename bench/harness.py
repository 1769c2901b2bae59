"""Measure things in turn, in one process, several rounds; print a table; write JSON.

Every script in this folder answers one question. Run one with `python -m bench.store`, all of them
with `make bench`; `python -m bench.report` turns the JSON into `docs/benchmarks.md`.
"""

import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

RESULTS = Path(__file__).parent / "results"
SHARED = Path(__file__).parents[2] / "shared"


@dataclass(frozen=True)
class Row:
    """One line of a table.

    Attributes:
        name: what was measured.
        value: median over the rounds.
        low: smallest.
        high: largest.
        unit: of the three.
        ratio: to what, and how much; "" where nothing is compared.
        bound: what was to be reached; "" where nothing was.
        holds: whether it was; None without a bound.
    """

    name: str
    value: float
    low: float
    high: float
    unit: str
    ratio: str = ""
    bound: str = ""
    holds: bool | None = None


def rounds(
    actions: dict[str, Callable[[], object]],
    count: int,
    before: Callable[[], object] = lambda: None,
) -> dict[str, list[float]]:
    """Run every action once a round and return the seconds of each, a list an action.

    Each round begins with another action, so that none always follows the same one.
    """
    seconds: dict[str, list[float]] = {name: [] for name in actions}
    names = list(actions)
    for turn in range(count):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            before()
            started = time.perf_counter()
            result = actions[name]()
            seconds[name].append(time.perf_counter() - started)
            del result
    return seconds


def touch_memory(size: int) -> None:
    """Fill and free so many bytes: a virtual machine's host hands unused memory out slowly."""
    np.ones(size, dtype=np.uint8)


def row(
    name: str,
    seconds: list[float],
    *,
    against: tuple[str, list[float]] | None = None,
    at_most: float | None = None,
    at_least_faster: float | None = None,
) -> Row:
    """Make a row of seconds, with the ratio of medians to another's.

    Args:
        name: what was measured.
        seconds: of each round.
        against: name and seconds of what it is compared with.
        at_most: bound on seconds / against.
        at_least_faster: bound on against / seconds.
    """
    median = statistics.median(seconds)
    ratio, bound, holds = "", "", None
    if against:
        other = statistics.median(against[1])
        if at_least_faster is not None:
            factor = other / median
            ratio = f"{factor:.2f} times faster than {against[0]}"
            bound, holds = f"at least {at_least_faster:g} times", factor >= at_least_faster
        else:
            factor = median / other
            ratio = f"{factor:.2f} times {against[0]}"
            if at_most is not None:
                bound, holds = f"at most {at_most:g} times", factor <= at_most
    return Row(name, median, min(seconds), max(seconds), "s", ratio, bound, holds)


def figure(name: str, value: float, unit: str, *, at_most: float = 0, at_least: float = 0) -> Row:
    """Make a row of one figure with a bound on it."""
    bound, holds = "", None
    if at_most:
        bound, holds = f"at most {at_most:g}", value <= at_most
    if at_least:
        bound, holds = f"at least {at_least:,g}", value >= at_least
    return Row(name, value, value, value, unit, "", bound, holds)


def publish(name: str, title: str, rows: list[Row]) -> None:
    """Print a table and write it with the machine's description to results/NAME.json."""
    table = Table(title=title)
    for column in ("", "median", "spread", "ratio", "bound", "holds"):
        table.add_column(column)
    for r in rows:
        table.add_row(*cells(r))
    Console(width=140).print(table)
    RESULTS.mkdir(exist_ok=True)
    content = {"title": title, "machine": machine(), "rows": [asdict(r) for r in rows]}
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def cells(r: Row) -> tuple[str, ...]:
    """Return a row's table cells."""
    spread = f"{r.low:.4g} to {r.high:.4g}" if r.low != r.high else ""
    holds = {None: "", True: "yes", False: "NO"}[r.holds]
    value = f"{r.value:,.0f}" if r.value >= 10_000 else f"{r.value:.4g}"
    return r.name, f"{value} {r.unit}", spread, r.ratio, r.bound, holds


def machine() -> str:
    """Describe the machine in one line."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = info.read_text().splitlines()
        model = next((li.split(":", 1)[1].strip() for li in lines if "model name" in li), model)
        flags = next((li for li in lines if li.startswith("flags")), "")
        best = [
            f for f in ("avx2", "avx512f", "avx512_bf16", "avx512_vnni", "amx_bf16") if f in flags
        ]
        model += f" ({', '.join(best)})"
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{model}, {os.cpu_count()} cores, {memory:.0f} GiB, Python {platform.python_version()}"
