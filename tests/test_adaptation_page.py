"""The page on adaptation: how the text of an author is divided."""

import numpy as np
import pytest

from reports.adaptation import DEV, REST, cut
from segclf.corpus.layout import Layout
from segclf.inputs.examples import Examples


def author(sentences, labels=None):
    """The text of an author with two works; the vectors are the positions of the sentences."""
    labels = np.arange(sentences) % 3 == 0 if labels is None else labels
    offsets = np.array([0, sentences // 3, sentences])
    return Examples(np.arange(sentences, dtype=np.float32)[:, None], Layout(labels, offsets))


def test_the_pages_come_first_and_their_last_part_is_dev():
    (pages,) = cut(author(300), 50)
    positions = [part.vectors[:, 0].tolist() for part in (pages.train, pages.dev, pages.rest)]
    assert [*positions[0], *positions[1], *positions[2]] == list(range(300))
    assert [len(part) for part in positions] == [50 - 50 * DEV, 50 * DEV, 250]
    assert pages.both.vectors[:, 0].tolist() == list(range(50))
    assert pages.rest.layout.offsets.tolist() == [0, 50, 250]


@pytest.mark.parametrize(
    "examples",
    [
        author(50 + REST - 1),
        author(300, np.arange(300) < 40),
        author(300, np.ones(300, dtype=bool)),
    ],
)
def test_an_author_with_too_little_text_or_one_class_is_left_out(examples):
    assert list(cut(examples, 50)) == []
