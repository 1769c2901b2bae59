"""Manipulated files of a workspace or a model: one error line, and no change elsewhere."""

import copy
import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.faults.children import UNCLEAR, Outcome, command, run_in_child
from tests.faults.tally import Tally, counts

VALUES: list[Any] = [
    float("nan"), float("inf"), -1, 0, 1, 2**63, 10**400, 1e308, -0.5, True, None, "", "x", "NaN",
    "../../../../etc/passwd", "/etc/passwd", "a" * 10_000, "\x1b[31mred\x07\u202e", "\ud800", "\0",
    [], {}, [None], [[]], {"": 0}, {"name": "surface"}, [1, 2, 3], ["a", "b"],
]  # fmt: skip
SEGMENT = ("segment", "new.txt", "--run", "model", "--json")
FILES = {
    ".segtool/corpora/stories.jsonl": [("eval",), ("stats",), ("train", "--epochs", "1")],
    ".segtool/runs/mlp-w1-001/run.json": [
        ("eval",), ("runs",), ("export", "mlp-w1-001", "out"), ("sweep", "--dry-run"),
    ],
    ".segtool/runs/mlp-w1-001/eval-test.json": [
        ("runs",), ("runs", "--json"), ("export", "mlp-w1-001", "out"),
    ],
    "model/config.json": [SEGMENT, ("eval", "model", "--corpus", "stories")],
    "model/weights.safetensors": [SEGMENT],
    "experiment.toml": [("sweep", "experiment.toml", "--head", "none")],
}  # fmt: skip
EXPERIMENT = 'corpus = "stories"\n[[grid]]\nhead = "mlp"\nwindow = 1\nseed = [0, 1]\nepochs = 1\n'


def places(content: Any) -> list[tuple[Any, Any]]:
    """List the containers and keys of all values in JSON content."""
    found = []
    items = content.items() if isinstance(content, dict) else enumerate(content)
    for key, value in items:
        found.append((content, key))
        if isinstance(value, (dict, list)):
            found += places(value)
    return found


def mutate(text: str, rng: random.Random) -> str:
    """Change a value of a JSON object, or its text."""
    if rng.random() < 0.15:
        start = rng.randrange(len(text))
        noise = ["", "[" * 100_000, "9" * 5000, '"', "\\ud800", "{", "NaN", "\0"]
        return text[:start] + rng.choice(noise) + text[start + rng.randrange(20) :]
    content = json.loads(text)
    content.pop("checksum", None)  # whoever changes a file on purpose could also compute it
    content = copy.deepcopy(content)
    container, key = rng.choice(places(content))
    if rng.random() < 0.15:
        del container[key]
    else:
        container[key] = rng.choice(VALUES)
    return json.dumps(content)


def mutate_file(path: Path, rng: random.Random) -> None:
    kind = path.suffix
    if rng.random() < 0.03:
        path.unlink()
        target = rng.choice([path.name, "/etc/passwd", "/nowhere", ".."])
        path.symlink_to(target)
    elif kind == ".safetensors":
        content = path.read_bytes()
        size = int.from_bytes(content[:8], "little")
        header = mutate(content[8 : 8 + size].decode(), rng).encode(errors="surrogatepass")
        path.write_bytes(len(header).to_bytes(8, "little") + header + content[8 + size :])
    elif kind == ".toml":
        lines = EXPERIMENT.splitlines()
        values = ["nan", "-1", "9" * 500, '"../x"', "[[]]", "{a=1}", '"\\u001b[31m"', "[" * 5000]
        number = rng.randrange(len(lines))
        lines[number] = f"{lines[number].split(' = ')[0]} = {rng.choice(values)}"
        path.write_text("\n".join(lines))
    elif kind == ".jsonl":
        lines = path.read_text().split("\n")
        number = rng.randrange(min(len(lines) - 1, 3))
        lines[number] = mutate(lines[number], rng)
        path.write_bytes("\n".join(lines).encode(errors="surrogatepass"))
    else:
        path.write_bytes(mutate(path.read_text(), rng).encode(errors="surrogatepass"))


def harmless(action: Callable[[], str], folder: Path) -> Outcome:
    """Run a command that may fail, and check what it prints and where it writes."""
    before = sorted(path.name for path in folder.parent.iterdir())

    def run() -> None:
        printed = action()
        assert "\x1b[31m" not in printed, "an escape sequence"
        assert "NaN" not in printed, "NaN"

    outcome, message = run_in_child(run)
    if "\x1b" in message or sorted(path.name for path in folder.parent.iterdir()) != before:
        return UNCLEAR, f"escape sequence or a file outside the folder: {message!r}"
    return outcome, message


@pytest.mark.parametrize("name", FILES)
@counts(2, "MUTATIONS", 1000)
def test_hostile_files_give_a_result_or_one_error_line(
    finished: Path, tmp_path: Path, tally: Tally, name: str, count: int
):
    rng = random.Random(count)
    outcomes = []
    for _ in range(count):
        shutil.rmtree(tmp_path / "f", ignore_errors=True)
        shutil.copytree(finished, tmp_path / "f")
        (tmp_path / "f/experiment.toml").write_text(EXPERIMENT)
        mutate_file(tmp_path / "f" / name, rng)
        arguments = rng.choice(FILES[name])
        outcome = harmless(lambda a=arguments: command(tmp_path / "f", *a), tmp_path / "f")
        outcomes.append((outcome[0], f"{arguments[0]}: {outcome[1]}"))
    tally.check(f"a hostile {Path(name).name}", outcomes)
