"""Training by several processes that share every batch."""

import multiprocessing
from functools import partial

import numpy as np
import pytest
import torch
from torch import distributed

from segclf.heads.base import Dropout
from segclf.heads.registry import DOCUMENT_HEADS, WINDOW_HEADS
from segclf.training.data_parallel import SINGLE_PROCESS, Workers
from segclf.training.loop import train_head
from segclf.training.options import TrainingOptions
from tests.segclf.topics import examples_for, topics

HEADS = [*WINDOW_HEADS, *DOCUMENT_HEADS]
COUNT = 2


def train(name, workers):
    """Train a head; the second worker has no share of the last batch, which is a single block."""
    sizes = {"documents": 2, "length": 59}  # 9 batches of 13 sentences, and one more sentence
    crop = {"crop": 3} if name in DOCUMENT_HEADS else {}
    make = topics if name in DOCUMENT_HEADS else partial(examples_for, name)
    options = TrainingOptions(head=name, epochs=2, batch_size=13, loss="balanced", **crop)
    epochs = []
    examples = make(0, **sizes), make(1, **sizes)
    trained = train_head(*examples, options, epochs.append, workers=workers)
    weights = torch.cat([tensor.flatten() for tensor in trained.head.state_dict().values()])
    return weights.numpy(), [epoch.loss for epoch in epochs], [epoch.f1 for epoch in epochs]


def work(rank, address, results):
    Dropout.forward = lambda self, inputs: inputs
    distributed.init_process_group("gloo", init_method=address, rank=rank, world_size=COUNT)
    results.put((rank, {name: train(name, Workers(rank, COUNT)) for name in HEADS}))
    distributed.barrier()


@pytest.fixture(scope="module")
def shared_results(tmp_path_factory):
    """What each of the workers has trained, by rank."""
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    address = f"file://{tmp_path_factory.mktemp('workers') / 'address'}"
    processes = [
        context.Process(target=work, args=(rank, address, results), daemon=True)
        for rank in range(COUNT)
    ]
    for process in processes:
        process.start()
    found = dict(results.get() for _ in processes)
    for process in processes:
        process.join()
    return found


@pytest.mark.parametrize("name", HEADS)
def test_workers_train_the_same_head_as_one_process(monkeypatch, shared_results, name):
    monkeypatch.setattr(Dropout, "forward", lambda self, inputs: inputs)
    weights, losses, scores = train(name, SINGLE_PROCESS)
    for rank in range(COUNT):
        own_weights, own_losses, own_scores = shared_results[rank][name]
        assert np.array_equal(own_weights, shared_results[0][name][0])
        assert np.allclose(own_weights, weights, atol=1e-4)
        assert own_losses == pytest.approx(losses, abs=1e-4)
        assert own_scores == pytest.approx(scores)
