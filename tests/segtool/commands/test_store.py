"""`segtool store ...`"""

import json
import shutil

import numpy as np
import pyarrow.parquet
import pytest
from safetensors.numpy import load_file

from embedcache import EmbeddingStore, encode_sentences, sentence_ids
from embedcache.store.space_info import block_key, info_key
from tests.conftest import SURFACE, HashEncoder
from tests.embedcache.store.stores import flip_value, make_format_1

SENTENCES = [*map(str, range(1500))]


def test_a_store_is_shown_and_upgraded(cli, tmp_path):
    in_workspace = ["--workspace", str(tmp_path / "w")]
    path = tmp_path / "w/store"
    encode_sentences(SENTENCES, HashEncoder(), EmbeddingStore(path))
    make_format_1(path)

    shown = json.loads(cli(tmp_path, "store", "info", *in_workspace, "--json").stdout)
    assert shown["format"] == 1
    (space,) = shown["spaces"]
    assert space.pop("fingerprint") == HashEncoder().fingerprint
    assert space == {
        "encoder": "hash",
        "rows": 1500,
        "dim": 32,
        "dtype": "float32",
        "bytes": 1500 * 32 * 4,
        "precisions": {"float32": 1500},
        "corpora": [],
    }
    assert shown["bytes_used"] + shown["bytes_free"] == shown["bytes"]
    assert shown["bytes_used"] > 1500 * 32 * 4
    upgraded = cli(tmp_path, "store", "upgrade", *in_workspace)
    assert upgraded.stdout == "Upgraded the store to format 2: 4 values rewritten.\n"
    assert upgraded.stderr == ""
    again = json.loads(cli(tmp_path, "store", "upgrade", *in_workspace, "--json").stdout)
    assert again == {"from": 2, "to": 2, "values_rewritten": 0}
    table = cli(tmp_path, "store", "info", *in_workspace).stdout
    assert "1,500" in table
    assert table.count("float32") == 2
    assert "format 2" in table
    report = encode_sentences([*SENTENCES, "new"], HashEncoder(), EmbeddingStore(path))
    assert (report.encoded, report.cached) == (1, 1500)


@pytest.fixture
def folder(tmp_path, cli):
    """A folder with an embedded corpus, and the vectors of another encoder."""
    (tmp_path / "novel.txt").write_text("".join(f"　{number}日目。\n" for number in range(1500)))
    done = cli(tmp_path, "embed", "novel.txt", *SURFACE)
    assert done.returncode == 0, done.stderr
    encode_sentences(SENTENCES, HashEncoder(), EmbeddingStore(tmp_path / ".segtool/store"))
    return tmp_path


def as_json(cli, folder, *command, status=0):
    done = cli(folder, "store", *command, "--json")
    assert done.returncode == status, done.stderr
    assert done.stderr == ""
    return json.loads(done.stdout)


def test_damage_is_listed_and_repaired_and_embed_encodes_the_lost_sentences(folder, cli):
    path = folder / ".segtool/store"
    (surface, other) = EmbeddingStore(path).spaces()
    ids = sentence_ids(f"{number}日目。" for number in range(1500))
    before = EmbeddingStore(path).vectors(surface.fingerprint, ids)
    sound = cli(folder, "store", "verify")
    assert sound.returncode == 0
    assert "The store is sound." in sound.stdout
    flip_value(path, block_key(surface, 0))
    flip_value(path, info_key(other.fingerprint), 200)
    damaged = cli(folder, "store", "verify")
    assert damaged.returncode == 1
    assert damaged.stderr == ""
    name = f"surface ({surface.fingerprint[:8]})"
    assert f"{name}: vectors of rows 0 to 1,023: 1,024 sentences lost\n" in damaged.stdout
    assert "2 values damaged: run segtool store repair\n" in damaged.stdout
    found = as_json(cli, folder, "verify", status=1)
    assert not found["sound"]
    assert [space["damaged_values"] for space in found["spaces"]] == [1, 1]
    assert found["damage"][0] == {
        "part": "vectors",
        "encoder": "surface",
        "fingerprint": surface.fingerprint,
        "rows": [0, 1023],
        "sentences": 1024,
    }
    refused = cli(folder, "store", "info")
    assert refused.returncode == 2
    assert "run segtool store repair" in refused.stderr
    repaired = cli(folder, "store", "repair")
    assert repaired.returncode == 0, repaired.stderr
    assert "1,024 vectors must be computed again: run segtool embed" in repaired.stdout
    embedded = json.loads(cli(folder, "embed", "novel.txt", *SURFACE, "--json").stdout)
    assert embedded["encoded"] == 1024
    assert np.array_equal(EmbeddingStore(path).vectors(surface.fingerprint, ids), before)
    assert as_json(cli, folder, "repair")["damage"] == []
    assert as_json(cli, folder, "verify")["sound"]


def test_a_backup_is_a_store_and_an_existing_one_is_kept(folder, cli):
    done = as_json(cli, folder, "backup", "copies/monday")
    assert done["bytes"] == (folder / "copies/monday/data.mdb").stat().st_size
    again = cli(folder, "store", "backup", "copies/monday")
    assert again.returncode == 2
    assert again.stderr.endswith("monday exists: choose a new folder for the backup\n")
    shutil.rmtree(folder / ".segtool/store")
    (folder / "copies/monday").rename(folder / ".segtool/store")
    assert as_json(cli, folder, "verify")["sound"]
    embedded = json.loads(cli(folder, "embed", "novel.txt", *SURFACE, "--json").stdout)
    assert embedded["encoded"] == 0


def test_removed_vectors_are_shown_and_their_bytes_returned_by_compact(folder, cli):
    nothing = cli(folder, "store", "gc")
    assert nothing.returncode == 2
    assert nothing.stderr == "error: choose what to remove: --encoder, --unused or --sentences\n"
    shown = as_json(cli, folder, "gc", "--unused", "--dry-run")
    assert [space["encoder"] for space in shown["spaces"]] == ["hash"]
    assert not shown["removed"]
    assert shown["spaces"][0]["bytes"] == 1500 * 32 * 4
    removed = cli(folder, "store", "gc", "--unused")
    assert removed.returncode == 0, removed.stderr
    assert "Removed all vectors of hash" in removed.stdout
    assert "1,500 vectors, 192 kB" in removed.stdout
    assert "until you run segtool store compact" in removed.stdout
    info = as_json(cli, folder, "info")
    assert [space["corpora"] for space in info["spaces"]] == [["novel"]]
    assert info["bytes_free"] > 1500 * 32 * 4
    compacted = as_json(cli, folder, "compact")
    assert compacted["bytes_before"] - compacted["bytes_after"] > 1500 * 32 * 4
    assert as_json(cli, folder, "info")["bytes"] == compacted["bytes_after"]


def test_vectors_of_sentences_that_are_in_no_corpus_are_removed(folder, cli):
    (folder / "novel.txt").write_text("".join(f"　{number}日目。\n" for number in range(900)))
    assert cli(folder, "embed", "novel.txt", *SURFACE).returncode == 0
    done = as_json(cli, folder, "gc", "--sentences", "--encoder", "hash")
    assert [(space["encoder"], space["rows"]) for space in done["vectors"]] == [("surface", 600)]
    assert [space["encoder"] for space in done["spaces"]] == ["hash"]
    (space,) = as_json(cli, folder, "info")["spaces"]
    assert space["rows"] == 900
    assert as_json(cli, folder, "verify")["sound"]


@pytest.mark.parametrize("file_format", ["safetensors", "npy"])
def test_exported_vectors_are_those_of_the_store(folder, cli, file_format):
    command = ["export", "out", "--encoder", "surface", "--format", file_format]
    done = as_json(cli, folder, *command)
    assert (done["rows"], done["out"]) == (1500, "out")
    if file_format == "npy":
        ids, vectors = (np.load(folder / f"out/{name}.npy") for name in ("ids", "vectors"))
    else:
        tensors = load_file(folder / "out")
        ids, vectors = tensors["ids"], tensors["vectors"]
    expected = sentence_ids(f"{number}日目。" for number in range(1500))
    assert sorted(map(tuple, ids)) == sorted(map(tuple, expected))
    store = EmbeddingStore(folder / ".segtool/store")
    assert vectors.dtype == np.float32
    assert np.array_equal(vectors, store.vectors(done["fingerprint"], ids))
    again = cli(folder, "store", *command)
    assert again.returncode == 2
    assert again.stderr.endswith("out exists: choose a new path for the export\n")


@pytest.mark.parametrize("file_format", ["parquet", "arrow"])
def test_exported_vectors_can_be_merged_into_another_workspace(folder, cli, file_format):
    out = f"vectors.{file_format}"
    exported = as_json(cli, folder, "export", out, "--encoder", "surface", "--format", file_format)
    for added in (1500, 0):
        (merged,) = as_json(cli, folder, "merge", out, "--workspace", "new")["spaces"]
        assert (merged["vectors_added"], merged["shards"]) == (added, 1)
        assert merged["fingerprint"] == exported["fingerprint"]
    ids = sentence_ids(f"{number}日目。" for number in range(1500))
    stores = [EmbeddingStore(folder / name / "store") for name in (".segtool", "new")]
    old, new = (store.vectors(exported["fingerprint"], ids) for store in stores)
    assert np.array_equal(old, new)
    shown = cli(folder, "store", "merge", out, "--workspace", "new").stdout
    assert "0 vectors added from 1 shard; the store has 1,500 vectors" in shown


def test_input_that_cannot_be_merged_is_reported_in_one_line(folder, cli):
    (folder / "text.arrow").write_text("雨が降る。")
    for path in ("text.arrow", "missing", "missing.parquet"):
        done = cli(folder, "store", "merge", path, "--workspace", "new")
        assert done.returncode == 2
        assert path in done.stderr
        assert len(done.stderr.splitlines()) == 1
    assert not (folder / "new").exists()


def test_a_store_that_lmdb_cannot_open_is_reported_in_one_line(folder, cli):
    (folder / ".segtool/store/data.mdb").write_bytes(bytes(100_000))
    for command in (
        ["verify"],
        ["repair"],
        ["compact"],
        ["backup", "b"],
        ["info"],
        ["gc", "--unused"],
    ):
        done = cli(folder, "store", *command)
        assert done.returncode == 2, command
        assert done.stderr.startswith("error: the store .segtool/store cannot be used"), command
        assert done.stderr.count("\n") == 1
    assert not (folder / "b").exists()


COMMANDS = [
    ["info"], ["upgrade"], ["verify"], ["repair"], ["backup", "b"], ["compact"], ["gc", "--unused"],
]  # fmt: skip


def test_a_missing_store_is_reported_in_one_line(cli, tmp_path):
    for command in COMMANDS:
        done = cli(tmp_path, "store", *command)
        assert done.returncode == 2
        assert done.stderr.startswith("error: nothing is embedded in .segtool yet")
        assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_texts_are_kept_shown_verified_exported_and_removed(tmp_path, cli):
    lines = [f"{number}日目。" for number in range(50)]
    novel = tmp_path / "novel.txt"
    novel.write_text("".join(f"　{line}\n" for line in lines))
    done = cli(tmp_path, "embed", "novel.txt", *SURFACE, "--keep-text")
    assert done.returncode == 0, done.stderr
    assert as_json(cli, tmp_path, "info")["texts"] == 50
    assert "50 texts kept" in cli(tmp_path, "store", "info").stdout
    assert as_json(cli, tmp_path, "verify")["texts"] == 50
    plain = cli(tmp_path, "store", "export", "plain", "--encoder", "surface")
    assert "notice: safetensors has no texts: use --format parquet" in plain.stderr
    table = ("export", "out.parquet", "--encoder", "surface", "--format", "parquet")
    as_json(cli, tmp_path, *table)
    texts = pyarrow.parquet.read_table(tmp_path / "out.parquet")["text"].to_pylist()
    assert sorted(texts) == sorted(lines)
    novel.write_text("".join(f"　{line}\n" for line in lines[:20]))
    assert cli(tmp_path, "embed", "novel.txt", *SURFACE).returncode == 0
    assert as_json(cli, tmp_path, "gc", "--sentences", "--dry-run")["texts"] == 30
    removed = cli(tmp_path, "store", "gc", "--sentences")
    assert "Removed 30 texts of sentences that are in no corpus\n" in removed.stdout
    assert as_json(cli, tmp_path, "info")["texts"] == 20
    assert as_json(cli, tmp_path, "verify")["sound"]
