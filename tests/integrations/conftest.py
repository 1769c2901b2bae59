"""Tests against real libraries that are not needed otherwise: LangChain, LlamaIndex, chonkie.

They have the marker `integrations` and run with `make test-integrations` only. Libraries are
imported inside the tests, since all tests are collected before some are selected.
"""

import pytest

from segclf.integrations.paragraphs import ParagraphFinder
from segclf.tasks.segment_options import SegmentOptions
from tests.conftest import ROOT


def pytest_collection_modifyitems(items):
    for item in items:
        if "tests/integrations" in item.nodeid:
            item.add_marker(pytest.mark.integrations)


@pytest.fixture(scope="session")
def text():
    return (ROOT / "examples/unseen.txt").read_text(encoding="utf-8")


@pytest.fixture
def finder(trained):
    """A finder that makes several paragraphs of the text."""
    options = SegmentOptions(layout="ignore", paragraphs=4)
    return ParagraphFinder("mlp-w1-001", trained / ".segtool", options, threads=1)
