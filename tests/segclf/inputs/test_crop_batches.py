"""Training batches of crops."""

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from segclf.corpus.layout import Layout
from segclf.inputs.crop_batches import CropBatches
from segclf.inputs.examples import Examples


@settings(deadline=None)
@given(
    lengths=st.lists(st.integers(0, 30), min_size=1, max_size=6),
    crop=st.integers(1, 12),
    batch_size=st.integers(1, 40),
    seed=st.integers(0, 9),
)
def test_an_epoch_contains_every_candidate_once_in_contiguous_crops(
    lengths, crop, batch_size, seed
):
    offsets = np.cumsum([0, *lengths])
    n = offsets[-1]
    labels = np.random.default_rng(seed).random(n) < 0.5
    numbers = np.arange(n, dtype=np.float32)[:, None]
    batches = CropBatches(Examples(numbers, Layout(labels, offsets)), crop, batch_size, "cpu")
    document = np.repeat(np.arange(len(lengths)), lengths)
    seen, steps = [], 0
    for batch in batches.epoch(np.random.default_rng(seed)):
        steps += 1
        decided = []
        for start, stop in pairwise(batch.index.tolist()):
            sentences = batch.sentences[start:stop, 0].long().tolist()
            assert 2 <= len(sentences) <= crop + 1
            assert sentences == list(range(sentences[0], sentences[-1] + 1))
            assert len(set(document[sentences])) == 1
            decided += sentences[1:]
        assert np.array_equal(batch.targets.numpy(), labels[decided])
        seen += decided
    assert sorted(seen) == [i for i in range(n) if i not in offsets]
    assert steps <= len(batches)
