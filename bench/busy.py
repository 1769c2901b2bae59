"""How much slower is encoding while other processes use the cores?"""

import multiprocessing
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.synchronize import Event

from sentence_transformers import SentenceTransformer

from bench.encode import distinct
from bench.harness import SHARED, Row, publish, value_row
from embedcache import encode_in_memory, load_encoder
from embedcache.encoders import e5_small
from embedcache.encoders.processor import available_cores
from segclf.corpus import ReadOptions, read_corpus

SENTENCES = 1000
ROUNDS = 3
BUSY = (1, 2, 4)  # numbers of other processes


def main() -> None:
    """Measure e5-small on a novel by Soseki, without and with other processes."""
    corpus = read_corpus(SHARED / "data/soseki/test", options=ReadOptions("indent", "kuten"))
    sentences = distinct(corpus.sentences)[:SENTENCES]
    encoder = load_encoder("e5-small")
    plain = SentenceTransformer(
        str(e5_small.model_directory()), model_kwargs={"dtype": encoder.precision}
    )
    actions: dict[str, Callable[[], object]] = {
        "segtool": lambda: encode_in_memory(sentences, encoder),
        f"SentenceTransformer.encode, {encoder.precision}": lambda: plain.encode(sentences),
    }
    rows = [row for name, action in actions.items() for row in measure(name, action)]
    publish("busy", "Encoding beside busy processes", rows)


def measure(name: str, encode: Callable[[], object]) -> list[Row]:
    """Compare the rate beside busy processes with a fair share of the rate without them."""
    encode()
    quiet = rate(encode)
    rows = [value_row(f"{name}: sentences per second, nothing else runs", quiet, "")]
    cores = available_cores()
    for count in BUSY:
        with busy_processes(count):
            found = rate(encode)
        share = found / (quiet * min(cores / (cores + count), 1))
        bound = {"at_least": 0.9} if name == "segtool" else {}
        rows.append(
            value_row(f"{name}: part of a fair share beside {count} processes", share, "", **bound)
        )
    return rows


def rate(encode: Callable[[], object]) -> float:
    """Return the median number of sentences per second."""
    seconds = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        encode()
        seconds.append(time.perf_counter() - started)
    return SENTENCES / statistics.median(seconds)


@contextmanager
def busy_processes(count: int) -> Iterator[None]:
    """Run processes that compute all the time, inside a `with` block."""
    context = multiprocessing.get_context("spawn")
    started = [context.Event() for _ in range(count)]
    processes = [context.Process(target=compute, args=(event,), daemon=True) for event in started]
    for process in processes:
        process.start()
    for event in started:
        event.wait()
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.join()


def compute(started: Event) -> None:
    """Set the event, and compute until the process is killed."""
    started.set()
    while True:
        pass


if __name__ == "__main__":
    main()
