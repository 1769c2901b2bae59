"""Merging of exported tables and of shards: what is added, and what is refused."""

import json
import os
import shutil

import numpy as np
import pytest

from embedcache import EmbeddingStore, StoreError, UserError
from embedcache.shards.merge import merge
from embedcache.store.export import export_space
from tests.embedcache.store.stores import FINGERPRINT, ids_of, numbered

OTHER = "b" * 32


def make_store(path, *, fingerprint=FINGERPRINT, count=3000, dim=4, dtype="float32"):
    """Return a store in which some rows have another precision, and some are truncated."""
    store = EmbeddingStore(path)
    space = store.create_space(fingerprint, name="x", dim=dim, dtype=dtype, identity={"a": 1})
    for start, stop, precision in ((0, count // 3, "float32"), (count // 3, count, "bfloat16")):
        ids = ids_of(*range(start, stop))
        truncated = np.arange(start, stop) % 5 == 0
        vectors = numbered(start, stop, dim).astype(dtype)
        space.append(ids, vectors, truncated=truncated, precision=precision)
    return store


def contents(store, fingerprint=FINGERPRINT, count=3000):
    """Return what a space stores for the sentences 0, 1, ..., and its description."""
    space = store.space(fingerprint)
    ids = ids_of(*range(count))
    truncated = (space.find(ids) >> 62 & 1).tolist()
    info = space.info()
    described = (info.name, info.dim, info.dtype, info.rows, info.identity, info.precisions)
    return space.vectors(ids).tolist(), truncated, space.precisions(ids[:1]), described


def merge_into(path, *paths):
    return merge([str(each) for each in paths], lambda: EmbeddingStore(path))


@pytest.mark.parametrize("dtype", ["float32", "float16", "int32"])
@pytest.mark.parametrize("file_format", ["parquet", "arrow"])
def test_an_export_merged_into_an_empty_store_gives_the_same_store(tmp_path, dtype, file_format):
    store = make_store(tmp_path / "a", dtype=dtype)
    file = tmp_path / f"x.{file_format}"
    export_space(store.path, FINGERPRINT, file, file_format)
    (merged,) = merge_into(tmp_path / "b", file)
    assert (merged.shards, merged.added) == (1, 3000)
    assert contents(EmbeddingStore(tmp_path / "b")) == contents(store)


def test_vectors_that_the_store_has_are_kept(tmp_path):
    store = make_store(tmp_path / "a")
    export_space(store.path, FINGERPRINT, tmp_path / "x.arrow", "arrow")
    space = EmbeddingStore(tmp_path / "b").create_space(FINGERPRINT, name="x", dim=4)
    space.append(ids_of(1), np.full((1, 4), 77))
    for added in (2999, 0):
        (merged,) = merge_into(tmp_path / "b", tmp_path / "x.arrow")
        assert merged.added == added
    assert space.vectors(ids_of(1, 2)).tolist() == [[77] * 4, [2] * 4]


def test_a_folder_without_a_manifest_is_merged_if_all_shards_have_one_encoder(tmp_path):
    for number, (start, stop) in enumerate([(0, 10), (5, 20)]):
        space = EmbeddingStore(tmp_path / str(number)).create_space(FINGERPRINT, name="x", dim=4)
        space.append(ids_of(*range(start, stop)), numbered(start, stop))
        out = tmp_path / f"shards/{number}.parquet"
        export_space(tmp_path / str(number), FINGERPRINT, out, "parquet")
    (merged,) = merge_into(tmp_path / "b", tmp_path / "shards")
    assert (merged.shards, merged.added, merged.info.rows) == (2, 20, 20)


def write_shards(folder, *, fingerprint=OTHER, **options):
    """Write a shard of the usual encoder, and one that differs from it."""
    for name, own, changes in (("a", FINGERPRINT, {}), ("b", fingerprint, options)):
        store = make_store(folder.parent / name, fingerprint=own, count=9, **changes)
        export_space(store.path, own, folder / f"{name}.arrow", "arrow")


def cut(path):
    path.write_bytes(path.read_bytes()[:-30])


def change_format(path):
    content = path.read_bytes()
    path.write_bytes(content.replace(b'{"format": 1', b'{"format": 9'))


def replace_by_text(path):
    path.write_text("雨が降る")


def write_foreign_table(path):
    import pyarrow as pa

    table = pa.table({"id": [1]})
    with pa.ipc.new_file(path, table.schema) as writer:
        writer.write_table(table)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (cut, "b.arrow is damaged or incomplete"),
        (change_format, "b.arrow has shard format 9, but this version .* reads format 1"),
        (replace_by_text, "b.arrow is damaged or incomplete"),
        (write_foreign_table, "b.arrow was not written by segtool"),
    ],
)
def test_a_damaged_or_foreign_file_is_refused(tmp_path, damage, message):
    write_shards(tmp_path / "shards", fingerprint=FINGERPRINT)
    damage(tmp_path / "shards/b.arrow")
    with pytest.raises(UserError, match=message):
        merge_into(tmp_path / "new", tmp_path / "shards")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"fingerprint": OTHER}, r"b.arrow has vectors of the encoder x \(bbbbbbbb\), .* aaaaaaaa"),
        ({"fingerprint": FINGERPRINT, "dim": 5}, "b.arrow has float32 vectors of dimension 5"),
        (
            {"fingerprint": FINGERPRINT, "dtype": "float16"},
            "b.arrow has float16 vectors of dimension 4",
        ),
    ],
)
def test_shards_that_do_not_belong_together_are_refused(tmp_path, options, message):
    write_shards(tmp_path / "shards", **options)
    with pytest.raises(UserError, match=message):
        merge_into(tmp_path / "new", tmp_path / "shards")
    assert not (tmp_path / "new").exists()


def test_shards_of_another_dtype_than_the_store_are_refused(tmp_path):
    make_store(tmp_path / "half", dtype="float16")
    write_shards(tmp_path / "shards", fingerprint=FINGERPRINT)
    with pytest.raises(StoreError, match="dtype float16, not dimension 4 and dtype float32"):
        merge_into(tmp_path / "half", tmp_path / "shards")


def write_manifest(folder, names, **changes):
    content = {"format": 1, "encoders": [FINGERPRINT, OTHER], "shards": names}
    (folder / "manifest.json").write_text(json.dumps(content | changes))


def test_a_manifest_lists_the_shards_and_encoders_that_belong_together(tmp_path):
    write_shards(tmp_path / "shards")
    write_manifest(tmp_path / "shards", ["a.arrow", "b.arrow"])
    merged = merge_into(tmp_path / "new", tmp_path / "shards")
    assert [(each.info.fingerprint, each.added) for each in merged] == [
        (FINGERPRINT, 9),
        (OTHER, 9),
    ]


@pytest.mark.parametrize(
    ("names", "changes", "message"),
    [
        (
            ["a.arrow", "c.arrow"],
            {},
            "c.arrow is missing: run the same segtool embed command again",
        ),
        (["a.arrow", "b.arrow"], {"encoders": [FINGERPRINT]}, "b.arrow has vectors of the encoder"),
        (["a.arrow"], {"format": 2}, "has shard format 2"),
    ],
)
def test_shards_that_differ_from_the_manifest_are_refused(tmp_path, names, changes, message):
    write_shards(tmp_path / "shards")
    write_manifest(tmp_path / "shards", names, **changes)
    with pytest.raises(UserError, match=message):
        merge_into(tmp_path / "new", tmp_path / "shards")
    assert not (tmp_path / "new").exists()


def test_a_folder_without_shards_is_refused(tmp_path):
    for path in (tmp_path, tmp_path / "missing"):
        with pytest.raises(UserError, match="has no shards"):
            merge_into(tmp_path / "new", path)
    assert os.listdir(tmp_path) == []


def test_shards_at_a_url_are_merged(tmp_path):
    write_shards(tmp_path / "shards", fingerprint=FINGERPRINT)
    archive = shutil.make_archive(str(tmp_path / "packed"), "zip", tmp_path / "shards")
    (merged,) = merge_into(tmp_path / "new", f"zip:///::{archive}")
    assert merged.added == 9


@pytest.mark.parametrize("file_format", ["parquet", "arrow"])
def test_a_flipped_bit_of_a_vector_in_an_export_is_found(tmp_path, file_format):
    make_store(tmp_path / "a")
    file = tmp_path / f"x.{file_format}"
    export_space(tmp_path / "a", FINGERPRINT, file, file_format)
    content = bytearray(file.read_bytes())
    vector = np.asarray(contents(EmbeddingStore(tmp_path / "a"))[0][1000], dtype="<f4").tobytes()
    content[content.index(vector) + 1] ^= 1  # it is still a number
    file.write_bytes(content)
    with pytest.raises(UserError, match=rf"x\.{file_format} is damaged or incomplete"):
        merge_into(tmp_path / "b", file)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"format": 1}',
        b'{"format": 1, "encoders": 1, "shards": []}',
        b'{"format": 1, "encoders": [], "shards": [1]}',
        b"\xff",
    ],
)
def test_a_damaged_manifest_is_refused(tmp_path, content):
    (tmp_path / "manifest.json").write_bytes(content)
    with pytest.raises(UserError, match=r"manifest\.json is damaged: run the same segtool embed"):
        merge_into(tmp_path / "new", tmp_path)
    assert not (tmp_path / "new").exists()
