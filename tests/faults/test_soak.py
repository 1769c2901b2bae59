"""`make soak` distinguishes growth from noise."""

import random

import pytest

from tests.faults.soak import grows

CHANCE = random.Random(0)
FLAT = [500 + CHANCE.random() for _ in range(80)]


@pytest.mark.parametrize(
    ("what", "values", "expected"),
    [
        ("memory (MB)", FLAT, False),
        ("memory (MB)", [value + number for number, value in enumerate(FLAT)], True),
        ("memory (MB)", [*range(20), *FLAT[20:]], False),  # caches are filled
        ("handles", [9, 10] * 40, False),
        ("handles", [9] * 50 + [10] * 30, True),
        ("threads", [3] * 79 + [4], False),
    ],
)
def test_growth_is_distinguished_from_noise(what, values, expected):
    assert grows(what, values) == expected
