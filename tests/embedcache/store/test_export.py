"""Exports of every dtype, and of processes that are killed."""

import json
import os
import signal
import subprocess
import sys

import numpy as np
import pyarrow.parquet
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file
from xxhash import xxh3_128_digest

from embedcache import EmbeddingStore, StoreError, UserError, terminal
from embedcache.store.export import export_space
from tests.conftest import ROOT
from tests.embedcache.store.stores import FINGERPRINT, flip_value, ids_of, make_two_spaces


@pytest.mark.parametrize("dtype", ["float32", "float16", "int32"])
def test_the_numbers_are_exported_as_they_are_stored(store, tmp_path, dtype, capsys, monkeypatch):
    monkeypatch.setattr(terminal, "_INTERVAL", 0)  # progress is shown immediately
    space = store.create_space(FINGERPRINT, name="x", dim=3, dtype=dtype)
    vectors = np.random.default_rng(0).integers(-99, 99, (2500, 3)).astype(dtype)
    for start, stop in ((0, 2000), (2000, 2500)):
        space.append(ids_of(*range(start, stop)), vectors[start:stop])
    export_space(store.path, FINGERPRINT, tmp_path / "a", "npy")
    assert capsys.readouterr().err == ""
    export_space(store.path, FINGERPRINT, tmp_path / "b", "safetensors", progress=True)
    assert "%), " in capsys.readouterr().err
    exported = {name: np.load(tmp_path / f"a/{name}.npy") for name in ("ids", "vectors")}
    assert exported["vectors"].dtype == dtype
    assert np.array_equal(exported["vectors"], vectors)
    assert np.array_equal(exported["ids"], ids_of(*range(2500)))
    tensors = load_file(tmp_path / "b")
    assert all(np.array_equal(tensors[name], exported[name]) for name in ("ids", "vectors"))


@pytest.mark.parametrize("file_format", ["parquet", "arrow"])
@pytest.mark.parametrize("dtype", ["float32", "float16", "int32"])
def test_tables_have_everything_that_the_store_has_for_a_sentence(
    store, tmp_path, dtype, file_format
):
    space = store.create_space(FINGERPRINT, name="x", dim=3, dtype=dtype)
    count = 70_000  # two parts of a table
    vectors = np.random.default_rng(0).integers(-99, 99, (count, 3)).astype(dtype)
    truncated = np.arange(count) % 7 == 0
    for start, stop, precision in ((0, 5000, "float32"), (5000, count, "bfloat16")):
        part = slice(start, stop)
        ids = ids_of(*range(start, stop))
        space.append(ids, vectors[part], truncated=truncated[part], precision=precision)
    export_space(store.path, FINGERPRINT, tmp_path / "out", file_format)
    if file_format == "parquet":
        table = pyarrow.parquet.read_table(tmp_path / "out")
    else:
        table = pyarrow.ipc.open_file(tmp_path / "out").read_all()
    digests = [xxh3_128_digest(str(number).encode()) for number in range(count)]
    assert table["id"].to_pylist() == digests
    assert np.array_equal(np.array(table["vector"].to_pylist()), vectors)
    assert table["truncated"].to_pylist() == truncated.tolist()
    assert np.array_equal(table["precision"].to_numpy(), np.where(np.arange(count) < 5000, 1, 2))
    described = json.loads(table.schema.metadata[b"segtool"])
    assert described["precisions"] == ["float32", "bfloat16"]
    assert (described["fingerprint"], described["dtype"]) == (FINGERPRINT, dtype)


def test_a_safetensors_file_names_its_encoder_and_is_aligned(store, tmp_path):
    space = store.create_space(FINGERPRINT, name="x+y", dim=1, dtype="float16")
    for rows, name in ((0, "a"), (3, "b")):
        space.append(ids_of(*range(rows)), np.ones((rows, 1)))
        export_space(store.path, FINGERPRINT, tmp_path / name, "safetensors")
        with safe_open(tmp_path / name, "numpy") as file:
            assert file.metadata() == {"encoder": "x+y", "fingerprint": FINGERPRINT}
            assert sorted(file.keys()) == ["ids", "vectors"]
        content = (tmp_path / name).read_bytes()
        header = int.from_bytes(content[:8], "little")
        assert header % 8 == 0
        assert len(content) == 8 + header + rows * (16 + 2)


def test_an_existing_path_is_refused(store, tmp_path):
    store.create_space(FINGERPRINT, name="x", dim=3)
    (tmp_path / "out").touch()
    with pytest.raises(UserError, match=r"out exists: choose a new path for the export"):
        export_space(store.path, FINGERPRINT, tmp_path / "out", "npy")


WITHOUT_PYARROW = """
import sys
from pathlib import Path
sys.modules["pyarrow"] = None  # as if it were not installed
from embedcache.store.export import export_space
export_space(Path(sys.argv[1]) / "s", "a" * 32, Path(sys.argv[1]) / "new/out", "parquet")
"""


def test_tables_need_pyarrow(tmp_path):
    make_two_spaces(tmp_path / "s")
    command = [sys.executable, "-c", WITHOUT_PYARROW, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.stderr.splitlines()[-1].endswith("run pip install pyarrow")
    assert os.listdir(tmp_path) == ["s"]


def test_an_empty_space_is_exported(store, tmp_path):
    store.create_space(FINGERPRINT, name="x", dim=3)
    export_space(store.path, FINGERPRINT, tmp_path / "a", "safetensors")
    assert load_file(tmp_path / "a")["vectors"].shape == (0, 3)
    export_space(store.path, FINGERPRINT, tmp_path / "b", "parquet")
    assert pyarrow.parquet.read_table(tmp_path / "b").num_rows == 0


def test_a_damaged_block_is_not_exported(tmp_path):
    make_two_spaces(tmp_path / "s")
    flip_value(tmp_path / "s", b"v" + bytes(11) + b"\x01")
    with pytest.raises(StoreError, match="run segtool store repair"):
        export_space(tmp_path / "s", FINGERPRINT, tmp_path / "out", "npy")
    assert os.listdir(tmp_path) == ["s"]


EXPORT_AND_DIE = """
import os, signal, sys
from pathlib import Path
from embedcache.store import export
export.publish = lambda *paths: os.kill(os.getpid(), signal.SIGKILL)
export.export_space(Path(sys.argv[1]) / "s", "a" * 32, Path(sys.argv[1]) / "out", "npy")
"""


def test_a_killed_export_leaves_nothing_at_its_path(tmp_path):
    make_two_spaces(tmp_path / "s")
    done = subprocess.run([sys.executable, "-c", EXPORT_AND_DIE, str(tmp_path)], cwd=ROOT)
    assert done.returncode == -signal.SIGKILL
    assert not (tmp_path / "out").exists()
    export_space(tmp_path / "s", FINGERPRINT, tmp_path / "out", "npy")
    assert sorted(os.listdir(tmp_path)) == ["out", "s"]
    assert EmbeddingStore(tmp_path / "s").space(FINGERPRINT).info().rows == 3000
