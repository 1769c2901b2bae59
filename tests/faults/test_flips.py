"""With flipped bits or truncated files, a command is correct or prints one clear line."""

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from embedcache import EmbeddingStore
from embedcache.store.pages import DESCRIPTION_BYTES
from segclf.workspace.workspace import Workspace
from tests.embedcache.store.stores import FINGERPRINT, ids_of, make_two_spaces, numbered
from tests.faults.children import LostError, WrongError, command, run_in_child
from tests.faults.conftest import scores
from tests.faults.tally import Tally, counts

OTHER = "b" * 32
PAGE_BYTES = 4096


@pytest.fixture(scope="module")
def store(tmp_path_factory, warm):
    """The folder of a small store with two spaces."""
    path = tmp_path_factory.mktemp("flips") / "store"
    assert run_in_child(lambda: make_two_spaces(path)) == ("right", "")
    return path


def use_store(path: Path) -> None:
    """Read and write a store, and check what it returns."""
    store = EmbeddingStore(path, create=False)
    check(store, 3000, 1500)
    space = store.space(FINGERPRINT)
    for first in (3000, 3500):
        space.append(ids_of(*range(first, first + 500)), numbered(first, first + 500))
    store.create_space(OTHER, name="b", dim=8).append(ids_of(1500), numbered(1500, 1501, 8))
    store._environment.verified.clear()
    check(store, 4000, 1501)


def check(store: EmbeddingStore, *sizes: int) -> None:
    for fingerprint, count, dim in zip((FINGERPRINT, OTHER), sizes, (4, 8), strict=True):
        if fingerprint not in [info.fingerprint for info in store.spaces()]:
            raise LostError(fingerprint)
        space = store.space(fingerprint)
        ids = ids_of(*range(count))
        if len(space) != count or not space.contains(ids).all():
            raise LostError(fingerprint)
        if not np.array_equal(space.vectors(ids), numbered(0, count, dim)):
            raise WrongError(fingerprint)


def restore(source: Path, target: Path) -> None:
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)


def flip(path: Path, bit: int) -> None:
    with path.open("r+b") as file:
        file.seek(bit // 8)
        (byte,) = file.read(1)
        file.seek(bit // 8)
        file.write(bytes([byte ^ 1 << bit % 8]))


def truncate(path: Path, rng: random.Random) -> None:
    with path.open("r+b") as file:
        file.truncate(rng.randrange(path.stat().st_size))


def flip_any(path: Path, rng: random.Random) -> None:
    flip(path, rng.randrange(8 * path.stat().st_size))


def flip_metadata(path: Path, rng: random.Random) -> None:
    """Flip a bit of LMDB's descriptions of commits, of its trees, or of the header of a value."""
    content = path.read_bytes()
    pages = range(2, len(content) // PAGE_BYTES)
    kinds = {page: content[page * PAGE_BYTES + 10] for page in pages}
    sizes = {0: DESCRIPTION_BYTES, 1: DESCRIPTION_BYTES}
    for page in pages:
        starts_here = int.from_bytes(content[page * PAGE_BYTES :][:8], "little") == page
        if starts_here and kinds[page] in (1, 2, 4):
            sizes[page] = PAGE_BYTES if kinds[page] in (1, 2) else 16
    page = rng.choice(sorted(sizes))
    flip(path, 8 * (page * PAGE_BYTES) + rng.randrange(8 * sizes[page]))


FAULTS: dict[str, Callable[[Path, random.Random], None]] = {
    "a flipped bit": flip_any,
    "a truncated file": truncate,
}


@counts(12, "FLIPS", 1000)
@pytest.mark.parametrize("fault", [*FAULTS, "a flipped bit of metadata"])
def test_a_damaged_store_returns_correct_vectors_or_one_error_line(
    store, tmp_path, tally, fault, count
):
    rng = random.Random(count)
    outcomes = []
    for _ in range(count):
        restore(store, tmp_path / "s")
        name = "commits" if rng.random() < 0.03 else "data.mdb"
        damage = FAULTS.get(fault) or (flip_metadata if name == "data.mdb" else flip_any)
        damage(tmp_path / "s" / name, rng)
        outcomes.append(run_in_child(lambda: use_store(tmp_path / "s")))
    tally.check(f"{fault} in a store", outcomes)


READERS = {
    "corpus": (".segtool/corpora/*", ["eval", "--json"]),
    "run": (".segtool/runs/*/[!h]*", ["eval", "--json"]),
    "model": ("model/*[!d]", ["segment", "new.txt", "--run", "model", "--json"]),
}


@counts(2, "FLIPS", 1000)
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("folder", READERS)
def test_a_damaged_folder_gives_the_correct_result_or_one_error_line(
    finished: Path, tmp_path: Path, tally: Tally, folder: str, fault: str, count: int
):
    pattern, arguments = READERS[folder]
    files = sorted(path.relative_to(finished) for path in finished.glob(pattern))
    assert files
    expected = finished / f"{folder}.json"
    run_in_child(lambda: expected.write_text(command(finished, *arguments)))
    rng = random.Random(count)
    outcomes = []

    def use() -> None:
        printed = command(tmp_path / "f", *arguments)
        if scores(printed) != scores(expected.read_text()):
            raise WrongError(printed)

    for _ in range(count):
        restore(finished, tmp_path / "f")
        FAULTS[fault](tmp_path / "f" / rng.choice(files), rng)
        outcomes.append(run_in_child(use))
    tally.check(f"{fault} in the folder of a {folder}", outcomes)
    assert json.loads(expected.read_text())
    assert Workspace(finished / ".segtool").load_corpus().name
