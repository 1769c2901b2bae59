"""A command that is killed at a random moment loses nothing, and can be repeated."""

import hashlib
import pickle
import random
import shutil
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from embedcache import EmbeddingStore
from segclf.workspace.runs import list_runs
from segclf.workspace.workspace import Workspace
from tests.conftest import STORIES, SURFACE
from tests.faults.children import BAD, RIGHT, LostError, Outcome, WrongError, command, run_in_child
from tests.faults.tally import Tally, counts
from tests.segclf.finetune.conftest import save_tiny_bert
from tests.segclf.finetune.test_runs import workspace_of

SHORT_TRAINING = ("--head", "mlp", "--window", "1", "--epochs", "2")
GRID = ("--heads", "mlp", "--windows", "1", "--seeds", "0-1", "--set", "epochs=2", "--jobs", "1")


LEFTOVERS = ("*.scratch", "*.alive", "checkpoint.safetensors", "unfinished.json")


@dataclass(frozen=True)
class Work:
    """A command that is killed.

    Attributes:
        before: Folder in which it begins.
        arguments: Arguments of the command.
        has_corpus: Whether the vectors and corpora are there before the command has finished.
    """

    before: Path
    arguments: tuple[str, ...]
    has_corpus: bool = True


def embed(folder: Path, *names: str) -> None:
    for name in names:
        path = str(STORIES if name == "stories" else STORIES / f"{name}.txt")
        command(folder, "embed", path, *SURFACE, "--name", name)


@pytest.fixture(scope="module")
def works(tmp_path_factory, warm) -> dict[str, Work]:
    """Work by name.

    gc and compact remove the vectors of a deleted corpus; merge restores those of a lost store.
    """
    root = tmp_path_factory.mktemp("works")
    for name in ("new", "embedded", "unwanted"):
        (root / name).mkdir()
    for name, corpora in (("embedded", ["stories"]), ("unwanted", ["eki", "yukimichi", "eki"])):
        done = run_in_child(lambda n=name, c=corpora: embed(root / n, *c))
        assert done == (RIGHT, ""), done
    (root / "unwanted/.segtool/corpora/yukimichi.jsonl").unlink()
    vectors = str(root / "vectors.arrow")
    export = ("store", "export", vectors, "--encoder", "surface", "--format", "arrow")
    done = run_in_child(lambda: command(root / "embedded", *export))
    assert done == (RIGHT, ""), done
    shutil.copytree(root / "embedded", root / "lost", ignore=shutil.ignore_patterns("store"))
    workspace_of(root / "tokens")
    bert = str(save_tiny_bert(root / "tiny-bert"))
    tuned = ("finetune", "cross-segment", "--encoder", bert, "--epochs", "1", "--device", "cpu")
    return {
        "embed": Work(root / "new", ("embed", str(STORIES), *SURFACE), has_corpus=False),
        "store gc": Work(root / "unwanted", ("store", "gc", "--sentences")),
        "store compact": Work(root / "unwanted", ("store", "compact")),
        "store merge": Work(root / "lost", ("store", "merge", vectors), has_corpus=False),
        "train": Work(root / "embedded", ("train", *SHORT_TRAINING)),
        "sweep": Work(root / "embedded", ("sweep", *GRID)),
        "finetune": Work(root / "tokens", (*tuned, "--threads", "1", "--precision", "float32")),
    }


@dataclass(frozen=True)
class State:
    """What a workspace has: vectors by id, the hash of its corpora, and hashes of weights."""

    vectors: dict[bytes, bytes]
    corpora: dict[str, str]
    weights: tuple[str, ...]


def read_state(folder: Path) -> State:
    workspace = Workspace(folder / ".segtool")
    vectors = {}
    if workspace.has_store() and (workspace.path / "store/data.mdb").exists():
        store = EmbeddingStore(workspace.store_path())
        for info in store.spaces():
            for corpus in workspace.corpus_names():
                sentences = workspace.load_corpus(corpus).corpus.sentences
                vectors |= _vectors(store, info.fingerprint, sentences)
    runs = list_runs(workspace)
    weights = [(run.path / "weights.safetensors").read_bytes() for run in runs]
    digests = {name: workspace.load_corpus(name).digest for name in workspace.corpus_names()}
    for run in runs:
        if run.kind == "head":
            run.load_head()
    return State(vectors, digests, tuple(hashlib.sha256(each).hexdigest() for each in weights))


def _vectors(store: EmbeddingStore, fingerprint: str, sentences: list[str]) -> dict[bytes, bytes]:
    from embedcache import sentence_ids

    ids = sentence_ids(sentences)
    space = store.space(fingerprint)
    present = ids[space.contains(ids)]
    found = space.vectors(present)
    return {one.tobytes(): vector.tobytes() for one, vector in zip(present, found, strict=True)}


def check_killed(work: Work, folder: Path, finished: State) -> None:
    """Check what a killed command has left."""
    if not (folder / ".segtool").exists():
        return
    state = read_state(folder)
    if work.has_corpus and (state.vectors, state.corpora) != (finished.vectors, finished.corpora):
        raise LostError("vectors or corpora")
    if any(finished.vectors.get(one) != vector for one, vector in state.vectors.items()):
        raise WrongError("vectors")
    if not set(state.weights) <= set(finished.weights):
        raise WrongError("weights")


def check_finished(folder: Path, finished: State, most_runs: int) -> None:
    """Check the state after the same command has finished the work."""
    state = read_state(folder)
    if (state.vectors, state.corpora) != (finished.vectors, finished.corpora):
        raise LostError("vectors or corpora")
    if set(state.weights) != set(finished.weights) or len(state.weights) > most_runs:
        raise WrongError(f"{len(state.weights)} runs")
    left = [path for name in LEFTOVERS for path in (folder / ".segtool").rglob(name)]
    if left:
        raise LostError(f"leftover files: {left}")


def try_once(work: Work, folder: Path, finished: State, kill: tuple[float, int]) -> Outcome:
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(work.before, folder)
    outcome = run_in_child(lambda: command(folder, *work.arguments), kill)
    if outcome[0] in BAD:
        return outcome
    # after a run was finished, the same command trains another one
    most_runs = len(finished.weights) + (work.arguments[0] in ("train", "finetune"))
    steps: list[Callable[[], object]] = [
        lambda: check_killed(work, folder, finished),
        lambda: command(folder, *work.arguments),
        lambda: check_finished(folder, finished, most_runs),
    ]
    for step in steps:
        done = run_in_child(step)
        if done[0] != RIGHT:
            return (done[0] if done[0] in BAD else LostError.__name__), done[1]
    return outcome


@pytest.mark.parametrize(
    "name", ["embed", "store gc", "store compact", "store merge", "train", "sweep", "finetune"]
)
@counts(1, "KILLS", 200)
def test_a_killed_command_loses_nothing_and_can_be_repeated(
    works: dict[str, Work], tmp_path: Path, tally: Tally, name: str, count: int
):
    if name == "sweep" and count == 1:
        pytest.skip("a sweep takes a long time; test_sweep_processes.py kills one")
    work = works[name]
    folder = tmp_path / "f"
    shutil.copytree(work.before, folder)
    started = time.monotonic()
    done = run_in_child(lambda: command(folder, *work.arguments))
    seconds = time.monotonic() - started
    assert done == (RIGHT, ""), done
    finished = in_child(lambda: read_state(folder), tmp_path / "state")
    rng = random.Random(count)
    for kind in (signal.SIGKILL, signal.SIGTERM):
        trials = max(count if kind == signal.SIGKILL else count // 5, 1)
        outcomes = [
            try_once(work, folder, finished, (rng.uniform(0, seconds), kind)) for _ in range(trials)
        ]
        tally.check(f"{kind.name} during {name}", outcomes)


def in_child(action: Callable[[], State], path: Path) -> State:
    """Run an action in a fork, since a process that has opened a store should not be forked."""
    done = run_in_child(lambda: path.write_bytes(pickle.dumps(action())))
    assert done == (RIGHT, ""), done
    return pickle.loads(path.read_bytes())
