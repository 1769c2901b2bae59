"""How much time does `segtool embed` add to the encoder, and how fast is it on cached text?"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from bench.harness import SHARED, publish, timing_row, value_row
from embedcache import encode_sentences, load_encoder, normalize, sentence_ids
from embedcache.batches import BatchEncoder, token_batches
from embedcache.encoders import Encoder
from embedcache.encoders.processor import available_cores
from segclf.corpus import ReadOptions, read_corpus
from segclf.workspace.corpora import EncoderReference
from segclf.workspace.workspace import Workspace

OPTIONS = ReadOptions("indent", "kuten")
SENTENCES = 4000
ROUNDS = 3

CACHED = """
import sys, time
from segclf.corpus import ReadOptions
from segclf.tasks.embed import embed
from segclf.workspace.workspace import Workspace
for _ in range(2):  # the first call also imports modules, which matters little for a large corpus
    started = time.perf_counter()
    embedded = embed(sys.argv[1], Workspace(sys.argv[2]), encoder_name="e5-small",
                     options=ReadOptions("indent", "kuten"), name="again")
    seconds = time.perf_counter() - started
print(embedded.report.sentences / seconds)
assert embedded.report.encoded == 0 and "torch" not in sys.modules
"""


def main() -> None:
    """Measure the overhead on new text and the throughput on cached text."""
    soseki, cores = SHARED / "data/soseki", available_cores()
    sentences = read_corpus(soseki / "test", options=OPTIONS).sentences[:SENTENCES]
    encoder = load_encoder("e5-small")
    encoder.encode(sentences[:8])
    bare, one, whole = [], [], []
    with tempfile.TemporaryDirectory(prefix="segtool-bench-") as folder:
        text = Path(folder) / "text.txt"
        text.write_text("".join(f"{sentence}。" for sentence in sentences))
        for number in range(ROUNDS):
            bare.append(bare_encode(encoder, sentences))
            one.append(bare_encode(encoder, sentences, threads=1))
            whole.append(whole_embed(encoder, text, Workspace(Path(folder) / str(number))))
        fill(Workspace(Path(folder) / "cached"), soseki)
        command = [sys.executable, "-c", CACHED, str(soseki), str(Path(folder) / "cached")]
        rates = [
            float(subprocess.run(command, check=True, capture_output=True).stdout) for _ in range(9)
        ]
    publish(
        "pipeline",
        "Overhead of segtool embed",
        [
            timing_row("encoder alone, one thread", one),
            timing_row(
                f"encoder alone, {cores} threads",
                bare,
                against=("one thread", one),
                at_least_faster=0.95 * cores,
            ),
            timing_row("segtool embed", whole, against=("the encoder alone", bare), at_most=1.05),
            value_row(
                "all sentences cached: sentences per second, reading the text included",
                float(np.median(rates)),
                "",
                at_least=200_000,
            ),
        ],
        by_precision=True,
    )


def bare_encode(encoder: Encoder, sentences: list[str], threads: int | None = None) -> float:
    """Encode the batches of the pipeline and do nothing else."""
    unique = list(dict.fromkeys(map(normalize, sentences)))
    started = time.perf_counter()
    tokens = encoder.tokenize(unique)
    batches = list(token_batches(tokens.lengths, encoder.batch_tokens))
    with BatchEncoder(encoder, np.dtype("float32"), threads) as batch_encoder:
        for _ in batch_encoder.encode(unique, tokens.inputs, batches):
            pass
    return time.perf_counter() - started


def whole_embed(encoder: Encoder, text: Path, workspace: Workspace) -> float:
    """Do what `segtool embed` does, with a model that is loaded already."""
    started = time.perf_counter()
    corpus = read_corpus(text, options=OPTIONS)
    encode_sentences(corpus.sentences, encoder, workspace.store(create=True))
    reference = EncoderReference("e5-small", None, encoder.fingerprint)
    workspace.save_corpus("bench", corpus, OPTIONS.sentences, reference)
    return time.perf_counter() - started


def fill(workspace: Workspace, soseki: Path) -> None:
    """Store a constant vector for each sentence, without running the model."""
    encoder = load_encoder("e5-small")
    unique = list(dict.fromkeys(read_corpus(soseki, options=OPTIONS).sentences))
    space = workspace.store(create=True).create_space(
        encoder.fingerprint, name=encoder.name, dim=encoder.dim
    )
    space.append(sentence_ids(unique), np.ones((len(unique), encoder.dim), dtype=np.float32))


if __name__ == "__main__":
    main()
