"""Measures actions alternately in one process, prints a table and writes JSON.

Each script in this folder answers one question. Run one with `python -m bench.store`, or all of
them with `make bench`. `python -m bench.report` writes `docs/benchmarks.md` from the JSON files.
"""

import json
import os
import platform
import shlex
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from embedcache.encoders.processor import computes_bfloat16

RESULTS = Path(__file__).parent / "results"
SHARED = Path(__file__).parents[2] / "shared"
MATRIX_FLAGS = ("avx2", "avx512f", "avx512_bf16", "avx512_vnni", "amx_bf16")
COLUMNS = ("measurement", "median", "range", "ratio", "bound", "met")


@dataclass(frozen=True)
class Row:
    """One line of a table.

    Attributes:
        name: Name of the measurement.
        value: Median over the rounds.
        low: Smallest value.
        high: Largest value.
        unit: Unit of the three values.
        ratio: Ratio of medians, with the name of the reference; "" if there is none.
        bound: Bound on the ratio or the value; "" if there is none.
        holds: Whether the bound holds; None if there is none.
    """

    name: str
    value: float
    low: float
    high: float
    unit: str
    ratio: str = ""
    bound: str = ""
    holds: bool | None = None


def time_rounds(
    actions: dict[str, Callable[[], object]],
    count: int,
    before: Callable[[], object] = lambda: None,
) -> dict[str, list[float]]:
    """Run each action once per round and return its seconds in every round.

    The first action of a round rotates, so that measurement order does not favour any action.
    """
    seconds: dict[str, list[float]] = {name: [] for name in actions}
    names = list(actions)
    for number in range(count):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            before()
            started = time.perf_counter()
            result = actions[name]()
            seconds[name].append(time.perf_counter() - started)
            del result
    return seconds


def touch_memory(size: int) -> None:
    """Fill and free `size` bytes, because the host of a virtual machine provides memory slowly."""
    np.ones(size, dtype=np.uint8)


def timing_row(
    name: str,
    seconds: list[float],
    *,
    against: tuple[str, list[float]] | None = None,
    at_most: float | None = None,
    at_least_faster: float | None = None,
) -> Row:
    """Return a row of seconds, with the ratio of medians to a reference.

    Args:
        name: Name of the measurement.
        seconds: Seconds in each round.
        against: Name and seconds of the reference.
        at_most: Upper bound on seconds / reference.
        at_least_faster: Lower bound on reference / seconds.
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


def value_row(
    name: str, value: float, unit: str, *, at_most: float = 0, at_least: float = 0
) -> Row:
    """Return a row of one value, optionally with a bound on it."""
    bound, holds = "", None
    if at_most:
        bound, holds = f"at most {at_most:g}", value <= at_most
    if at_least:
        bound, holds = f"at least {at_least:,g}", value >= at_least
    return Row(name, value, value, value, unit, "", bound, holds)


def publish(name: str, title: str, rows: list[Row], *, by_precision: bool = False) -> None:
    """Print a table and write it to `results/NAME.json`, with the command and the machine.

    Args:
        name: Name of the file.
        title: Title of the table.
        rows: Rows of the table.
        by_precision: Whether CPUs without bfloat16 have a table of their own,
            `results/NAME_float32.json`.
    """
    if by_precision and not computes_bfloat16():
        name, title = f"{name}_float32", f"{title}, on a CPU without bfloat16"
    table = Table(title=title)
    for column in COLUMNS:
        table.add_column(column)
    for row in rows:
        table.add_row(*cells(row))
    Console(width=140).print(table)
    RESULTS.mkdir(exist_ok=True)
    content = {
        "title": title,
        "command": shlex.join(["python", "-m", f"bench.{Path(sys.argv[0]).stem}", *sys.argv[1:]]),
        "machine": machine(),
        "rows": [asdict(row) for row in rows],
    }
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def cells(row: Row) -> tuple[str, ...]:
    """Return the cells of a row."""
    spread = f"{row.low:.4g} to {row.high:.4g}" if row.low != row.high else ""
    holds = {None: "", True: "yes", False: "no"}[row.holds]
    value = f"{row.value:,.0f}" if row.value >= 10_000 else f"{row.value:.4g}"
    return row.name, f"{value} {row.unit}", spread, row.ratio, row.bound, holds


def machine() -> str:
    """Describe the machine in one line."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = info.read_text().splitlines()
        models = (line.split(":", 1)[1].strip() for line in lines if "model name" in line)
        model = next(models, model)
        flags = next((line for line in lines if line.startswith("flags")), "")
        model += f" ({', '.join(flag for flag in MATRIX_FLAGS if flag in flags)})"
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{model}, {os.cpu_count()} cores, {memory:.0f} GiB, Python {platform.python_version()}"
