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
PROCESS_COUNTS = (1, 2, 4)  # of busy processes


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
    publish("busy", "Encoding while other processes use the CPU", rows, by_precision=True)


def measure(name: str, encode: Callable[[], object]) -> list[Row]:
    """Compare the rate under load with a fair share of the rate without load."""
    encode()
    rate_alone = rate(encode)
    rows = [value_row(f"{name}: sentences per second, no other processes", rate_alone, "")]
    cores = available_cores()
    for count in PROCESS_COUNTS:
        with busy_processes(count):
            rate_under_load = rate(encode)
        fraction = rate_under_load / (rate_alone * min(cores / (cores + count), 1))
        others = f"{count} busy process{'es' if count > 1 else ''}"
        bound = {"at_least": 0.9} if name == "segtool" else {}
        rows.append(value_row(f"{name}: fraction of a fair share, {others}", fraction, "", **bound))
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
    """Keep processes busy inside a `with` block."""
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
