"""Are the vectors of a backend close enough to those of torch in float32, and how fast is encoding?

Each backend encodes the same sentences on one core.
"""

import json
import lzma
import statistics
import time

import numpy as np
from numpy.typing import NDArray

from bench.harness import SHARED, Row, publish, value_row
from embedcache import encode_in_memory, load_encoder
from embedcache.encoders import Backend, Precision
from embedcache.encoders.processor import computes_bfloat16
from segclf.corpus import ReadOptions, read_corpus
from segclf.corpus.sentences import sentence_rule, split_sentences

ENCODERS = ("e5-small-paragraphs", "minilm")
SENTENCES = 1000  # of each language
BACKENDS: tuple[Backend, ...] = ("torch", "openvino")
ROUNDS = 2
LANGUAGES = {"eng": "en", "deu": "de"}  # in addition to Japanese


def main() -> None:
    """Compare the backends with torch in float32."""
    options = ReadOptions("indent", "kuten")
    sentences = read_corpus(SHARED / "data/soseki/test", options=options).sentences[:SENTENCES]
    for code, language in LANGUAGES.items():
        sentences += european_sentences(code, language)
    precisions: list[Precision] = ["float32", *(["bfloat16"] if computes_bfloat16() else [])]
    rows = []
    for name in ENCODERS:
        reference = load_encoder(name, device="cpu", precision="float32", backend="torch")
        expected = encode_in_memory(sentences, reference)
        for backend in BACKENDS:
            for precision in precisions:
                rows += measure(name, backend, precision, sentences, expected)
    title = f"Backends: {len(sentences):,} sentences on one core"
    publish("backends", title, rows, by_precision=True)


def european_sentences(code: str, language: str) -> list[str]:
    """Return sentences of novels by many authors."""
    with lzma.open(SHARED / "data/eltec/dev.jsonl.xz", "rt", encoding="utf-8") as file:
        works = [work for line in file if (work := json.loads(line))["language"] == code]
    rule = sentence_rule("sentencex")
    per_work = -(-SENTENCES // len(works))
    return [
        sentence
        for work in works
        for sentence in split_sentences(work["text"][:100_000], rule, language)[:per_work]
    ][:SENTENCES]


def measure(
    name: str,
    backend: Backend,
    precision: Precision,
    sentences: list[str],
    expected: NDArray[np.float32],
) -> list[Row]:
    """Return the rate of a backend, and the cosine similarities to the expected vectors (n, d)."""
    encoder = load_encoder(name, device="cpu", precision=precision, backend=backend)
    encoder.encode(sentences[:8])
    seconds = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        vectors = encode_in_memory(sentences, encoder, threads=1)
        seconds.append(time.perf_counter() - started)
    cosine = (vectors * expected).sum(axis=1) / np.linalg.norm(vectors, axis=1)
    cosine /= np.linalg.norm(expected, axis=1)
    label = f"{name}, {backend}, {precision}"
    return [
        value_row(
            f"{label}: sentences per second", len(sentences) / statistics.median(seconds), ""
        ),
        value_row(f"{label}: mean cosine", float(cosine.mean()), "", at_least=0.999),
        value_row(f"{label}: smallest cosine", float(cosine.min()), "", at_least=0.995),
    ]


if __name__ == "__main__":
    main()
