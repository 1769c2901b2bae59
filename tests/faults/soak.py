"""Embeds, trains, segments, collects garbage, compacts and verifies for an hour: nothing may grow.

`make soak` runs this while `segtool serve` handles requests, and writes the table and the picture
in docs/reliability.md. SOAK sets the number of seconds.
"""

import json
import os
import platform
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from multiprocessing import get_context
from multiprocessing.sharedctypes import Synchronized
from multiprocessing.synchronize import Lock
from pathlib import Path
from urllib.request import Request, urlopen

import numpy as np

from embedcache.store.compaction import compact
from embedcache.store.verification import verify
from segclf import ReadOptions, TrainingOptions, Workspace, embed, segment, train
from segclf.tasks.clean import remove_runs
from segclf.tasks.garbage import collect_garbage
from tests.conftest import HANG, ROOT, STORIES
from tests.faults.tally import PAGE, write_section

PICTURE = ROOT / "docs/soak.png"
LINES = ReadOptions(sentences="line", boundary="line")
TEXTS = [path.read_text().replace("\n", "") for path in sorted(STORIES.glob("*.txt"))]
SPAWN = get_context("spawn")
LOOP, SERVER, STORE = "the loop", "segtool serve", "the store"
TOLERANCE = {"memory (MB)": 0.05, "size (MB)": 0.05, "handles": 0, "threads": 0}
"""By how much of its value each measure may grow."""
FEWEST_ROUNDS = 8  # two in a quarter of the time

Series = dict[tuple[str, str], list[float]]
"""Samples of each measure of each process, and of the store."""


def main() -> None:
    """Run for some time, and fail if something has grown."""
    seconds = float(os.environ.get("SOAK", 3600))
    times: list[float] = []
    series: Series = {}
    idle = SPAWN.Lock()
    with (
        tempfile.TemporaryDirectory() as name,
        serving(Path(name)) as (server, address),
        asking(address, idle) as responses,
    ):
        started = time.monotonic()
        while time.monotonic() - started < seconds:
            run_once(Path(name), len(times))
            times.append(time.monotonic() - started)
            with idle:
                for key, value in sample(server, Path(name)).items():
                    series.setdefault(key, []).append(value)
    if len(times) < FEWEST_ROUNDS:
        raise SystemExit(f"only {len(times)} rounds: set SOAK to more seconds")
    report = describe(times, series, responses.value)
    print(report)
    write_section(PAGE, "soak", report)
    draw(times, series)
    grown = [
        f"{what} of {whose}" for (what, whose), values in series.items() if grows(what, values)
    ]
    if grown or not responses.value:
        raise SystemExit(f"grown: {', '.join(grown)}" if grown else "the server did not respond")


def run_once(folder: Path, number: int) -> None:
    """Do each kind of work once, with sentences that no earlier call has seen."""
    workspace = Workspace(folder / ".segtool")
    novel = folder / "novel.txt"
    novel.write_text("".join(f"{number} 回目の {line} 番目の文。\n" for line in range(2000)))
    embed(STORIES, workspace, encoder_name="surface", keep_text=True)
    embed(novel, workspace, encoder_name="surface", options=LINES, split="train", keep_text=True)
    run = train(
        workspace, TrainingOptions(head="mlp", window=1, epochs=1), corpus_name=STORIES.name
    )
    segment(TEXTS[number % len(TEXTS)], workspace, run)
    remove_runs(workspace, [run.name])
    collect_garbage(workspace, unused=True, sentences=True)
    compact(workspace.store_path())
    if not verify(workspace.store_path()).is_sound:
        raise SystemExit("the store is damaged")


@contextmanager
def serving(folder: Path) -> Iterator[tuple[int, str]]:
    """Run `segtool serve` in a folder, and yield its process id and its address."""
    segtool = str(Path(sys.executable).parent / "segtool")
    embed(STORIES, Workspace(folder / ".segtool"), encoder_name="surface")
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen(
            [segtool, "serve", "--no-browser", "--port", "0"], cwd=folder, stderr=log
        ) as process,
    ):
        try:
            deadline = time.monotonic() + HANG
            while not (found := re.search(r"http://\S+", (folder / "log").read_text())):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise SystemExit((folder / "log").read_text())
                time.sleep(0.1)
            yield process.pid, found[0].rstrip("/")
        finally:
            process.send_signal(signal.SIGINT)


@contextmanager
def asking(address: str, idle: Lock) -> Iterator["Synchronized[int]"]:
    """Send requests to the server in a separate process, and yield the number of responses.

    While the lock is held, the server has nothing to do.
    """
    responses = SPAWN.Value("q", 0)
    process = SPAWN.Process(target=ask, args=(address, idle, responses))
    process.start()
    try:
        yield responses
    finally:
        process.terminate()
        process.join()


def ask(address: str, idle: Lock, responses: "Synchronized[int]") -> None:
    """Send requests until the process is ended, and count the responses."""
    while True:
        body = json.dumps({"text": TEXTS[responses.value % len(TEXTS)], "fast": True}).encode()
        request = Request(f"{address}/api/segment", body, {"Content-Type": "application/json"})
        with idle, urlopen(request, timeout=HANG) as response:
            json.load(response)
        responses.value += 1
        time.sleep(0.2)


def sample(server: int, folder: Path) -> dict[tuple[str, str], float]:
    """Measure both processes and the store."""
    found = {("size (MB)", STORE): (folder / ".segtool/store/data.mdb").stat().st_size / 1e6}
    for whose, number in ((LOOP, os.getpid()), (SERVER, server)):
        status = Path(f"/proc/{number}/status").read_text()
        resident, threads = (
            int(re.findall(rf"^{name}:\s+(\d+)", status, re.MULTILINE)[0])
            for name in ("VmRSS", "Threads")
        )
        found["memory (MB)", whose] = resident * 1024 / 1e6
        found["handles", whose] = len(os.listdir(f"/proc/{number}/fd"))
        found["threads", whose] = threads
    return found


def grows(what: str, values: list[float]) -> bool:
    """Return whether the last quarter of samples is above the second one by more than allowed.

    The first quarter is left out: libraries are loaded and caches filled then.
    """
    quarter = len(values) // 4
    before = statistics.median(values[quarter : 2 * quarter])
    after = statistics.median(values[-quarter:])
    return after > before * (1 + TOLERANCE[what])


def describe(times: list[float], series: Series, responses: int) -> str:
    """Return the figures as Markdown."""
    system = f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}"
    lines = [
        f"Output of `make soak` on {date.today()}, {system}, Python {platform.python_version()}: "
        f"{times[-1] / 60:.0f} minutes, {len(times):,} rounds, {responses:,} server responses.",
        "",
        "| measure | of | start | end | slope per hour |",
        "| --- " * 5 + "|",
    ]
    later = slice(len(times) // 2, None)
    for (what, whose), values in series.items():
        slope = np.polyfit(times[later], values[later], 1)[0] * 3600
        lines.append(f"| {what} | {whose} | {values[0]:,.1f} | {values[-1]:,.1f} | {slope:+,.2f} |")
    return "\n".join(lines)


def draw(times: list[float], series: Series) -> None:
    """Plot each measure over time."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 5.4), layout="constrained")
    FigureCanvasAgg(figure)
    plots = figure.subplots(2, 2).flat
    for axes, what in zip(plots, TOLERANCE, strict=True):
        for (measure, whose), values in series.items():
            if measure == what:
                axes.plot(np.array(times) / 60, values, label=whose)
        axes.set_title(what, fontsize=10)
        axes.set_ylim(0, 1.2 * axes.get_ylim()[1])
        axes.set_xlabel("minutes")
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="y", color="0.9")
        axes.legend(frameon=False, fontsize=8, loc="lower right")
    figure.savefig(PICTURE, dpi=110)


if __name__ == "__main__":
    main()
