"""Examples of words."""

import numpy as np
import torch

from segclf.corpus.layout import Layout
from segclf.inputs.examples import Examples
from segclf.inputs.sentence_tensors import look_up


def test_words_are_looked_up_in_a_table_of_the_words_that_occur():
    matrix = np.arange(100, dtype=np.float32).reshape(50, 2)
    words = np.array([[7, 3, -1, -1], [-1, -1, -1, -1], [3, 49, 7, -1]], dtype=np.int32)
    examples = Examples.of_words(words, matrix, Layout.unlabelled(np.array([0, 3])))
    assert (len(examples.table), examples.dim) == (4, 2)
    vectors, table = torch.from_numpy(examples.vectors), torch.from_numpy(examples.table)
    expected = np.where((words >= 0)[..., None], matrix[words], 0)[:, :3]
    for chosen in ([0, 1, 2], [0, 1]):
        found = look_up(vectors[chosen], table)
        longest = (words[chosen] >= 0).sum(axis=1).max()  # no longer than the longest sentence
        assert np.array_equal(found.table[found.rows], expected[chosen, :longest])
        distinct = len(np.unique(words[chosen])) - 1
        assert len(found.table) == distinct + 1  # and a row of zeros
    only_unknown = look_up(vectors[[1]], table)
    assert np.array_equal(only_unknown.table[only_unknown.rows], np.zeros((1, 1, 2)))
