"""Which cache of sentence vectors is fastest, and which caches survive a crash?

All caches store the distinct sentences of the Soseki corpus. A stub encoder makes the vectors, so
that only the caches are compared. A cold write starts with an empty folder and ends when every
vector is on disk. A warm read opens the cache and returns all vectors as one float32 array in
corpus order, given the text of the sentences. The cache that is most similar to the store is also
read by id, to exclude the hashing of the sentences, which both of them do. A cache is crash-safe if
it keeps finished batches when the process is killed.
"""

import shutil
import statistics
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.harness import SHARED, Row, publish, time_rounds, timing_row
from bench.stub import DIM, StubEncoder
from embedcache import EmbeddingStore, encode_sentences, sentence_ids
from embedcache.ids import Ids
from segclf.corpus import ReadOptions, read_corpus

ROUNDS = 5
BATCH = 1000


@dataclass(frozen=True)
class Cache:
    """Functions that fill a cache in a folder and read all of its vectors."""

    write: Callable[[Path, list[str]], object]
    read: Callable[[Path, list[str]], np.ndarray]
    is_crash_safe: bool


def batches(sentences: list[str]) -> list[list[str]]:
    return [sentences[start : start + BATCH] for start in range(0, len(sentences), BATCH)]


def segtool_write(folder: Path, sentences: list[str]) -> None:
    encode_sentences(sentences, StubEncoder(), EmbeddingStore(folder))


def segtool_read(folder: Path, sentences: list[str]) -> np.ndarray:
    return segtool_read_ids(folder, sentence_ids(sentences))


def segtool_read_ids(folder: Path, ids: Ids) -> np.ndarray:
    return EmbeddingStore(folder).space(StubEncoder().fingerprint).vectors(ids)


def langchain(folder: Path, sentences: list[str]) -> np.ndarray:
    from langchain_classic.embeddings import CacheBackedEmbeddings
    from langchain_classic.storage import LocalFileStore
    from langchain_core.embeddings import Embeddings

    class Stub(Embeddings):
        encoder = StubEncoder()

        def embed_documents(self, texts: list[str]) -> list[list[float]]:
            return self.encoder.encode(texts).tolist()

        def embed_query(self, text: str) -> list[float]:
            return self.embed_documents([text])[0]

    cached = CacheBackedEmbeddings.from_bytes_store(
        Stub(), LocalFileStore(folder), namespace="stub", batch_size=BATCH, key_encoder="blake2b"
    )
    return np.array(cached.embed_documents(sentences), dtype=np.float32)


def mteb_write(folder: Path, sentences: list[str]) -> None:
    from mteb.models.cache_wrappers.cache_backends.numpy_cache import NumpyCache

    cache, encoder = NumpyCache(folder), StubEncoder()
    for batch in batches(sentences):
        cache.add([{"text": sentence} for sentence in batch], encoder.encode(batch))
    cache.save()
    cache.close()


def mteb_read(folder: Path, sentences: list[str]) -> np.ndarray:
    from mteb.models.cache_wrappers.cache_backends.numpy_cache import NumpyCache

    cache = NumpyCache(folder)
    cache.load()
    return np.array([cache.get_vector({"text": sentence}) for sentence in sentences])


def sqlitedict_write(folder: Path, sentences: list[str]) -> None:
    from sqlitedict import SqliteDict

    encoder = StubEncoder()
    with SqliteDict(str(folder / "x.sqlite")) as table:
        for batch in batches(sentences):
            for sentence, vector in zip(batch, encoder.encode(batch), strict=True):
                table[sentence] = vector.tobytes().hex()
            table.commit()


def sqlitedict_read(folder: Path, sentences: list[str]) -> np.ndarray:
    from sqlitedict import SqliteDict

    with SqliteDict(str(folder / "x.sqlite"), flag="r") as table:
        vectors = dict(table.items())
    rows = [np.frombuffer(bytes.fromhex(vectors[sentence]), np.float32) for sentence in sentences]
    return np.stack(rows)


def llm_write(folder: Path, sentences: list[str]) -> None:
    import llm
    import sqlite_utils

    class Stub(llm.EmbeddingModel):
        model_id = "stub"
        batch_size = BATCH
        encoder = StubEncoder()

        def embed_batch(self, items: list[str]) -> list[list[float]]:
            return self.encoder.encode(list(items)).tolist()

    database = sqlite_utils.Database(folder / "llm.sqlite")
    collection = llm.Collection("all", database, model=Stub())
    collection.embed_multi(((sentence, sentence) for sentence in sentences), batch_size=BATCH)


def llm_read(folder: Path, sentences: list[str]) -> np.ndarray:
    import llm
    import sqlite_utils

    database = sqlite_utils.Database(folder / "llm.sqlite")
    vectors = dict(database.execute("select id, embedding from embeddings").fetchall())
    return np.array([llm.decode(vectors[sentence]) for sentence in sentences], dtype=np.float32)


def diskcache_write(folder: Path, sentences: list[str]) -> None:
    from diskcache import Cache as DiskCache

    encoder = StubEncoder()
    with DiskCache(str(folder), size_limit=1 << 33) as cache:
        for batch in batches(sentences):
            with cache.transact():
                for sentence, vector in zip(batch, encoder.encode(batch), strict=True):
                    cache[sentence] = vector.tobytes()


def diskcache_read(folder: Path, sentences: list[str]) -> np.ndarray:
    from diskcache import Cache as DiskCache

    with DiskCache(str(folder), size_limit=1 << 33) as cache:
        return np.stack([np.frombuffer(cache[sentence], np.float32) for sentence in sentences])


def lmdb_write(folder: Path, sentences: list[str]) -> None:
    import lmdb

    encoder = StubEncoder()
    with lmdb.open(str(folder), map_size=1 << 32) as environment:
        for batch in batches(sentences):
            with environment.begin(write=True) as transaction:
                for key, vector in zip(keys(batch), encoder.encode(batch), strict=True):
                    transaction.put(key, vector.tobytes())


def lmdb_read(folder: Path, sentences: list[str]) -> np.ndarray:
    return lmdb_read_keys(folder, keys(sentences))


def lmdb_read_keys(folder: Path, wanted: list[bytes]) -> np.ndarray:
    import lmdb

    vectors = np.empty((len(wanted), DIM), dtype=np.float32)
    with (
        lmdb.open(str(folder), map_size=1 << 32) as environment,
        environment.begin(buffers=True) as transaction,
    ):
        for vector, key in zip(vectors, wanted, strict=True):
            vector[:] = np.frombuffer(transaction.get(key), np.float32)
    return vectors


def keys(sentences: list[str]) -> list[bytes]:
    return [sentence_id.tobytes() for sentence_id in sentence_ids(sentences)]


ONE_VALUE = "one LMDB value per vector"
CACHES = {
    "segtool": Cache(segtool_write, segtool_read, True),
    ONE_VALUE: Cache(lmdb_write, lmdb_read, True),
    "diskcache": Cache(diskcache_write, diskcache_read, True),
    "llm collections": Cache(llm_write, llm_read, True),
    "sqlitedict, hex": Cache(sqlitedict_write, sqlitedict_read, True),
    "LangChain, LocalFileStore": Cache(langchain, langchain, True),
    "mteb NumpyCache": Cache(mteb_write, mteb_read, False),
}


def main() -> None:
    """Fill and read all caches and compare them."""
    warnings.simplefilter("ignore")
    corpus = read_corpus(SHARED / "data/soseki", options=ReadOptions("indent", "kuten"))
    sentences = list(dict.fromkeys(corpus.sentences))
    with tempfile.TemporaryDirectory(prefix="segtool-bench-") as root:
        folders = {name: Path(root) / str(number) for number, name in enumerate(CACHES)}
        writes = time_rounds({name: filling(name, folders, sentences) for name in CACHES}, ROUNDS)
        check_vectors(folders, sentences)
        reads = time_rounds(
            {name: reading(cache, folders[name], sentences) for name, cache in CACHES.items()},
            ROUNDS,
        )
        ids, wanted = sentence_ids(sentences), keys(sentences)
        by_id = time_rounds(
            {
                "segtool": lambda: segtool_read_ids(folders["segtool"], ids),
                ONE_VALUE: lambda: lmdb_read_keys(folders[ONE_VALUE], wanted),
            },
            ROUNDS,
        )
    publish(
        "peers",
        f"Comparison with other caches: {len(sentences):,} vectors of {DIM} float32 values",
        table(writes, reads, by_id),
    )


def check_vectors(folders: dict[str, Path], sentences: list[str]) -> None:
    """Check that every cache returns the right vectors, apart from their order.

    The order differs because segtool does not encode the sentences in the order of the text.
    """
    expected = StubEncoder().encode(sentences).sum(axis=1)
    for name, cache in CACHES.items():
        sums = cache.read(folders[name], sentences).sum(axis=1)
        assert np.array_equal(np.sort(sums), np.sort(expected)), name


def filling(name: str, folders: dict[str, Path], sentences: list[str]) -> Callable[[], object]:
    def fill() -> None:
        shutil.rmtree(folders[name], ignore_errors=True)
        folders[name].mkdir()
        CACHES[name].write(folders[name], sentences)

    return fill


def reading(cache: Cache, folder: Path, sentences: list[str]) -> Callable[[], np.ndarray]:
    return lambda: cache.read(folder, sentences)


def table(
    writes: dict[str, list[float]], reads: dict[str, list[float]], by_id: dict[str, list[float]]
) -> list[Row]:
    return [
        *(warm_read_row(name, reads) for name in CACHES),
        timing_row(
            f"warm read by id: segtool compared with {ONE_VALUE}",
            by_id["segtool"],
            against=(ONE_VALUE, by_id[ONE_VALUE]),
            at_least_faster=10,
        ),
        *(timing_row(f"cold write: {name}", writes[name]) for name in CACHES if name != "segtool"),
        cold_write_row(writes),
    ]


def warm_read_row(name: str, reads: dict[str, list[float]]) -> Row:
    is_crash_safe = CACHES[name].is_crash_safe
    note = "" if is_crash_safe else " (not crash-safe)"
    if name == "segtool":
        return timing_row(f"warm read: {name}{note}", reads[name])
    return timing_row(
        f"warm read: segtool compared with {name}{note}",
        reads["segtool"],
        against=(name, reads[name]),
        at_least_faster=10 if is_crash_safe else 1,
    )


def cold_write_row(writes: dict[str, list[float]]) -> Row:
    others = [name for name, cache in CACHES.items() if cache.is_crash_safe and name != "segtool"]
    fastest = min(others, key=lambda name: statistics.median(writes[name]))
    return timing_row(
        "cold write: segtool",
        writes["segtool"],
        against=(f"{fastest} (the fastest crash-safe one)", writes[fastest]),
        at_most=1,
    )


if __name__ == "__main__":
    main()
