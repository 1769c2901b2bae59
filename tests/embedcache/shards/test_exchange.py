"""Files of sentences and ids in which one bit is flipped."""

from types import SimpleNamespace

import pytest

from embedcache import EmbeddingStore, UserError, encode_sentences
from embedcache.cluster.job import Job, read_groups
from embedcache.shards.exchange import (
    count_batches,
    gather,
    read_ids,
    read_sentences,
    scatter,
    write_known,
)
from embedcache.shards.plan import Plan, Source, group_name, scattered_name
from embedcache.shards.storage import Storage
from tests.conftest import HashEncoder
from tests.embedcache.flips import flip_bits

SENTENCES = [f"文{number}" + "雨。" * (number % 5) for number in range(20)]


@pytest.fixture
def storage(tmp_path):
    storage = Storage.at(tmp_path / "job")
    scatter(storage, "scattered", SENTENCES, 3)
    gather(storage, ["scattered"], 1, "distinct", 4)
    return storage


def all_sentences(storage):
    numbers = range(count_batches(storage, "distinct"))
    return [
        (ids.tolist(), texts)
        for ids, texts in (read_sentences(storage, "distinct", number) for number in numbers)
    ]


def check_flips(storage, name, read, step):
    """Assert that what is read from a file with a flipped bit is right, or the file is refused."""
    path, sound = storage.folder / name, read()
    refused = 0
    for bit in flip_bits(path, step):
        try:
            assert read() == sound, bit
        except UserError as error:
            refused += f"{path} is damaged or incomplete: delete it and run" in str(error)
    assert refused


def test_distinct_sentences_with_a_flipped_bit_are_refused(storage):
    check_flips(storage, "distinct", lambda: all_sentences(storage), 41)


def test_scattered_sentences_with_a_flipped_bit_are_refused(storage):
    def read():
        gather(storage, ["scattered"], 1, "distinct", 4)
        return all_sentences(storage)

    check_flips(storage, "scattered", read, 151)


def test_known_ids_with_a_flipped_bit_are_refused(storage, tmp_path):
    store = EmbeddingStore(tmp_path / "store")
    encode_sentences(SENTENCES, HashEncoder(), store)
    write_known(storage, "known", store, HashEncoder().fingerprint, 3)
    name = "known/00000.arrow"
    check_flips(storage, name, lambda: read_ids(storage, [name], 1).tolist(), 41)


def test_a_group_whose_damaged_file_was_deleted_is_read_again(tmp_path):
    storage = Storage.at(tmp_path)
    plan = Plan(storage, HashEncoder, (), (), partitions=3, shard_rows=4)
    groups = ([Source("a", "a", 1)], [Source("b", "b", 1)])
    for number in range(2):
        storage.write_bytes(group_name(number), b"{}")
    storage.write_bytes(scattered_name(0), b"")
    read = []
    cluster = SimpleNamespace(run=lambda _, calls, *args, **options: read.extend(calls))
    read_groups(cluster, Job(plan, groups, None), progress=False)
    assert [call[2] for call in read] == [1]
