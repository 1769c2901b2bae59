"""The tasks of a distributed encoding, one after another in one process."""

import tempfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedcache import EmbeddingStore, StoreError, UserError, encode_sentences, normalize
from embedcache.shards.encode import encode_shard
from embedcache.shards.exchange import (
    count_batches,
    gather,
    read_sentences,
    scatter,
    write_known,
)
from embedcache.shards.merge import count_stored, merge, write_manifest
from embedcache.shards.plan import Plan, Shard, Sizes, Source, distinct_name, scattered_name
from embedcache.shards.storage import Storage
from tests.conftest import HashEncoder
from tests.embedcache.flips import flip_bits

TEXT = st.text(alphabet="雨が降る ab", max_size=3)


class Truncating(HashEncoder):
    """Truncates sentences of more than four characters."""

    max_tokens = 4


def plan_of(folder, encoder, *, partitions=3, shard_rows=2):
    return Plan(
        Storage.at(folder),
        lambda: encoder,
        (encoder.fingerprint,),
        ("float32",),
        partitions,
        shard_rows,
    )


def exchange(plan, groups):
    for number, sentences in enumerate(groups):
        scatter(plan.storage, scattered_name(number), sentences, plan.partitions)
    names = [scattered_name(number) for number in range(len(groups))]
    for partition in range(plan.partitions):
        gather(plan.storage, names, partition, distinct_name(partition), plan.shard_rows)


def shards_of(plan):
    return [
        Shard(partition, number)
        for partition in range(plan.partitions)
        for number in range(count_batches(plan.storage, distinct_name(partition)))
    ]


@settings(max_examples=30)
@given(
    groups=st.lists(st.lists(TEXT, max_size=20), min_size=1, max_size=4),
    partitions=st.integers(1, 9),
    shard_rows=st.integers(1, 9),
)
def test_every_distinct_sentence_is_in_exactly_one_shard(groups, partitions, shard_rows):
    with tempfile.TemporaryDirectory() as folder:
        plan = plan_of(folder, HashEncoder(), partitions=partitions, shard_rows=shard_rows)
        exchange(plan, groups)
        found = []
        for shard in shards_of(plan):
            _, texts = read_sentences(plan.storage, distinct_name(shard.partition), shard.number)
            assert len(texts) <= shard_rows
            found += texts
    assert sorted(found) == sorted({normalize(text) for group in groups for text in group})


SENTENCES = [f"文{number % 99}" + "。" * (number % 5) for number in range(200)]


@pytest.mark.parametrize(("partitions", "shard_rows"), [(1, 1000), (3, 2), (7, 5)])
def test_merged_shards_have_the_vectors_that_one_process_stores(tmp_path, partitions, shard_rows):
    alone = EmbeddingStore(tmp_path / "alone")
    report = encode_sentences(SENTENCES, Truncating(), alone)
    encoder = Truncating()
    plan = plan_of(tmp_path / "job", encoder, partitions=partitions, shard_rows=shard_rows)
    exchange(plan, [SENTENCES[:70], SENTENCES[70:]])
    for shard in shards_of(plan):
        encode_shard(plan, shard, encoder, threads=1)
    write_manifest(plan.storage, plan.fingerprints)
    store = EmbeddingStore(tmp_path / "merged")
    merge([plan.storage.url], lambda: store)
    ids = [space.find(_all_ids(plan)) for space in (_space(alone), _space(store))]
    assert (ids[0] >= 0).all()
    assert np.array_equal(ids[0] >> 62, ids[1] >> 62)  # truncated
    assert np.array_equal(
        _space(alone).vectors(_all_ids(plan)), _space(store).vectors(_all_ids(plan))
    )
    assert _space(store).info().rows == report.unique
    assert count_stored(plan, store) == (report.unique, report.truncated)
    assert sorted(encoder.encoded) == sorted(set(SENTENCES))


def _space(store):
    return store.space(Truncating().fingerprint)


def _all_ids(plan):
    parts = [
        read_sentences(plan.storage, distinct_name(shard.partition), shard.number)[0]
        for shard in shards_of(plan)
    ]
    return np.concatenate(parts)


def plan_with_store(tmp_path, known, **sizes):
    """Return a plan for SENTENCES, its encoder, and a store that has the sentences `known`."""
    store = EmbeddingStore(tmp_path / "store")
    encode_sentences(known, HashEncoder(), store)
    encoder = HashEncoder()
    plan = plan_of(tmp_path / "job", encoder, **sizes)
    exchange(plan, [SENTENCES])
    folder = plan.known_folder(encoder.fingerprint)
    write_known(plan.storage, folder, store, encoder.fingerprint, plan.partitions)
    return plan, encoder, store


def test_sentences_that_the_store_has_are_not_encoded(tmp_path):
    plan, encoder, store = plan_with_store(tmp_path, SENTENCES[:50])
    for shard in shards_of(plan):
        encode_shard(plan, shard, encoder, threads=1)
    assert sorted(encoder.encoded) == sorted(set(SENTENCES) - set(SENTENCES[:50]))
    with pytest.raises(StoreError, match="vectors are missing in"):
        count_stored(plan, store)


def test_a_finished_shard_is_not_encoded_again(tmp_path):
    encoder = HashEncoder()
    plan = plan_of(tmp_path, encoder, partitions=1, shard_rows=1000)
    exchange(plan, [SENTENCES])
    for _ in range(2):
        encode_shard(plan, Shard(0, 0), encoder, threads=1)
    assert len(encoder.encoded) == len(set(SENTENCES))


def test_a_shard_that_left_out_sentences_is_encoded_again_for_a_store_without_them(tmp_path):
    plan, encoder, _ = plan_with_store(tmp_path, SENTENCES[:50], partitions=1, shard_rows=1000)
    encode_shard(plan, Shard(0, 0), encoder, threads=1)
    plan.storage.remove("known")
    encode_shard(plan, Shard(0, 0), encoder, threads=1)
    other = EmbeddingStore(tmp_path / "other")
    merge([plan.storage.url + "/shards"], lambda: other)
    assert count_stored(plan, other)[0] == len(set(SENTENCES))


def test_a_shard_is_empty_if_the_store_has_all_of_its_sentences(tmp_path):
    plan, encoder, store = plan_with_store(tmp_path, SENTENCES, partitions=1, shard_rows=1000)
    encode_shard(plan, Shard(0, 0), encoder, threads=1)
    (merged,) = merge([plan.storage.url + "/shards"], lambda: store)
    assert (merged.added, encoder.encoded) == (0, [])


@pytest.mark.parametrize("content", [b"", b"ARROW1\0\0" + b"x" * 100])
def test_a_damaged_shard_is_encoded_again(tmp_path, content):
    encoder = HashEncoder()
    plan = plan_of(tmp_path / "job", encoder, partitions=1, shard_rows=1000)
    exchange(plan, [SENTENCES])
    plan.storage.write_bytes(plan.shard_name(encoder.fingerprint, Shard(0, 0)), content)
    encode_shard(plan, Shard(0, 0), encoder, threads=1)
    assert len(encoder.encoded) == len(set(SENTENCES))


def finished_shard(tmp_path, encoder):
    """Return a plan with a single shard, and the path of the shard."""
    plan = plan_of(tmp_path / "job", encoder, partitions=1, shard_rows=1000)
    exchange(plan, [SENTENCES])
    encode_shard(plan, Shard(0, 0), encoder, threads=1)
    return plan, plan.storage.folder / plan.shard_name(encoder.fingerprint, Shard(0, 0))


def test_a_shard_with_a_flipped_bit_is_encoded_again_if_its_ids_cannot_be_read(tmp_path):
    encoder = HashEncoder()
    plan, path = finished_shard(tmp_path, encoder)
    sound = path.read_bytes()
    again = 0
    for _ in flip_bits(path, 373):
        encoder.encoded.clear()
        encode_shard(plan, Shard(0, 0), encoder, threads=1)
        again += bool(encoder.encoded)
        assert not encoder.encoded or path.read_bytes() == sound
    assert again


def test_a_shard_with_a_flipped_bit_is_not_merged(tmp_path):
    plan, path = finished_shard(tmp_path, HashEncoder())
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"00000\.arrow is damaged or incomplete"):
        merge([plan.storage.url + "/shards"], lambda: EmbeddingStore(tmp_path / "store"))


def test_files_are_grouped_in_their_order_by_size():
    sources = [Source(str(number), "x", size) for number, size in enumerate([5, 5, 1, 30, 2])]
    groups = Sizes(group_bytes=10, partition_bytes=20, shard_rows=9).groups(sources)
    assert [[source.id for source in group] for group in groups] == [
        ["0", "1"],
        ["2"],
        ["3"],
        ["4"],
    ]
    assert Sizes(10, 20, 9).partitions(sources) == 3
    assert Sizes(10, 20, 9).partitions([]) == 1


@pytest.mark.parametrize("sentences", [10_000, 100_000, 10_000_000, 10**11])
def test_a_text_is_divided_into_shards_for_several_workers(sentences):
    sizes = Sizes.of(100 * sentences)
    assert sizes.shard_rows <= 65_536  # what a worker that dies may lose
    assert sentences / sizes.shard_rows >= min(sentences / 2048, 64)
