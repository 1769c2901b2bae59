"""Examples in which the topic changes where a paragraph begins."""

import numpy as np

from segclf.corpus.layout import Layout
from segclf.heads.registry import WINDOW_HEADS
from segclf.inputs.examples import Examples


def topics(seed, documents=6, length=150, dim=16):
    """Sentences whose vectors change where a paragraph begins."""
    random = np.random.default_rng(seed)
    n = documents * length
    labels = random.random(n) < 0.2
    offsets = np.arange(0, n + 1, length)
    labels[offsets[:-1]] = True
    centres = random.standard_normal((labels.sum(), dim))
    vectors = centres[np.cumsum(labels) - 1] + 0.3 * random.standard_normal((n, dim))
    return Examples(vectors.astype(np.float32), Layout(labels, offsets))


def word_topics(seed, documents=6, length=150, dim=16):
    """Sentences whose words change where a paragraph begins: 12 topics of 10 words each."""
    plain = topics(seed, documents, length, dim)
    random = np.random.default_rng(seed + 100)
    labels = plain.layout.labels
    n = len(labels)
    topic = np.cumsum(random.integers(1, 12, n) * labels) % 12
    words = (topic[:, None] * 10 + random.integers(0, 10, (n, 8))).astype(np.int32)
    words[np.arange(8) >= random.integers(3, 9, n)[:, None]] = -1
    matrix = np.random.default_rng(99).standard_normal((12, 1, dim)).repeat(10, axis=1)
    matrix += 0.3 * np.random.default_rng(98).standard_normal(matrix.shape)
    matrix = matrix.reshape(-1, dim).astype(np.float32)
    return Examples.of_words(words, matrix, plain.layout)


def examples_for(name, *arguments, **options):
    make = word_topics if WINDOW_HEADS[name].reads_words else topics
    return make(*arguments, **options)
