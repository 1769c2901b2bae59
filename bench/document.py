"""How does the cost of document heads grow with document length, compared with full attention?"""

import statistics
import subprocess
import sys
from collections.abc import Callable
from itertools import chain

import torch
import torch.nn.functional as F
from torch import Tensor

from bench.harness import Row, publish, time_rounds, timing_row, value_row
from bench.memory import memory
from segclf.heads.document import DocumentHead
from segclf.heads.document_transformer import DocumentTransformer
from segclf.heads.registry import DOCUMENT_HEADS

DIM = 384
LENGTHS = (256, 1_024, 4_096, 16_384, 65_536)
MAX_SECONDS = 60  # passes expected to take longer are not run
MAX_GROWTH = 5  # of the time for 4 times the length: 4, plus a margin for cache misses
FULL = "full attention"


class FullTransformer(DocumentTransformer):
    """The same Transformer with the attention of Vaswani et al. 2017."""

    def attend(self, queries: Tensor, keys: Tensor, values: Tensor, inside: Tensor) -> Tensor:
        """Attend to all sentences of one document."""
        parts = (part.transpose(1, 2) for part in (queries, keys, values))
        return F.scaled_dot_product_attention(*parts).transpose(1, 2)


HEADS: dict[str, Callable[[int], DocumentHead]] = {**DOCUMENT_HEADS, FULL: FullTransformer}
Pass = Callable[[DocumentHead, Tensor], None]


def forward(head: DocumentHead, vectors: Tensor) -> None:
    """Predict one document."""
    head.eval()
    with torch.inference_mode():
        head(vectors, torch.tensor([0, len(vectors)]))


def forward_and_backward(head: DocumentHead, vectors: Tensor) -> None:
    """Compute the gradients for one document, without an optimizer step."""
    head.train()
    head.zero_grad()
    head(vectors, torch.tensor([0, len(vectors)])).sum().backward()


def main() -> None:
    """Measure both passes at all lengths."""
    if len(sys.argv) == 3:
        sys.stdout.write(str(peak(sys.argv[1], int(sys.argv[2]))))
        return
    torch.manual_seed(0)
    heads = {name: make(DIM) for name, make in HEADS.items()}
    rows = measure("forward", forward, heads)
    rows += measure("forward and backward", forward_and_backward, heads)
    for length in LENGTHS[-2:]:
        for name in heads:
            if name == FULL and length == LENGTHS[-1]:
                continue
            command = [sys.executable, "-m", "bench.document", name, str(length)]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            label = f"{length:,} sentences: {name}, memory added by forward and backward"
            rows.append(value_row(label, float(done.stdout), "GiB"))
    publish("document", "Document heads: cost by document length", rows)


def measure(label: str, run: Pass, heads: dict[str, DocumentHead]) -> list[Row]:
    """Time one pass of each head at each length."""
    seconds: dict[str, dict[int, list[float]]] = {name: {} for name in heads}
    rows: dict[str, list[Row]] = {name: [] for name in heads}
    for length in LENGTHS:
        vectors = torch.randn(length, DIM)
        actions = {}
        for name, head in heads.items():
            before = seconds[name].get(length // 4)
            expected = 16 * statistics.median(before) if name == FULL and before else 0
            if expected > MAX_SECONDS:
                title = f"{length:,} sentences: {name}, {label}: not run, extrapolated (16 times)"
                rows[name].append(value_row(title, expected, "s"))
                seconds[name][length] = [expected]
            else:
                actions[name] = lambda head=head, vectors=vectors: run(head, vectors)
        if length <= 4_096:
            for action in actions.values():
                action()  # warm up, which takes long and has little effect for longer documents
        for name, taken in time_rounds(actions, 5 if length <= 4_096 else 3).items():
            before = seconds[name].get(length // 4)
            seconds[name][length] = taken
            against = (f"{length // 4:,}", before) if before else None
            at_most = MAX_GROWTH if against and name != FULL else None
            title = f"{length:,} sentences: {name}, {label}"
            rows[name].append(timing_row(title, taken, against=against, at_most=at_most))
    return list(chain.from_iterable(rows.values()))


def peak(name: str, length: int) -> float:
    """Return the peak memory in GiB that one pass adds to this process."""
    head, vectors = HEADS[name](DIM), torch.randn(length, DIM)
    forward_and_backward(head, vectors[:64])
    before = memory("VmRSS")
    forward_and_backward(head, vectors)
    return (memory("VmHWM") - before) / 2**30


if __name__ == "__main__":
    main()
