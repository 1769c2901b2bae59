"""Training batches of windows."""

import numpy as np
import pytest
import torch

from segclf.inputs.examples import Examples
from segclf.inputs.window_batches import WindowBatches
from segclf.inputs.windows import OUTSIDE, windows_of
from tests.segclf.topics import topics


@pytest.mark.parametrize("batch_size", [1, 8, 12, 64])
@pytest.mark.parametrize("window", [1, 4])
def test_an_epoch_contains_every_candidate_once_with_its_window(window, batch_size):
    examples = topics(0, documents=3, length=37)
    n = len(examples.layout)
    numbered = Examples(
        np.repeat(np.arange(n, dtype=np.float32)[:, None], 2, axis=1), examples.layout
    )
    batches = WindowBatches(numbered, window, batch_size, "cpu")
    expected = windows_of(examples.layout, window)
    seen = []
    steps = 0
    for batch in batches.epoch(np.random.default_rng(0)):
        steps += 1
        assert len(batch.targets) <= batch_size
        assert batch.targets.dtype == batch.sentences.dtype == torch.float32
        positions = batch.sentences[:, 0].long()
        shown = torch.where(batch.index == OUTSIDE, OUTSIDE, positions[batch.index])
        candidate = shown[:, window].numpy()
        seen += candidate.tolist()
        assert np.array_equal(shown.numpy(), expected[candidate])
        assert np.array_equal(batch.targets.numpy(), examples.layout.labels[candidate])
    assert sorted(seen) == np.flatnonzero(examples.layout.is_candidate).tolist()
    assert steps <= len(batches)
