"""Each guarantee in docs/reliability.md names tests that exist."""

import re

from tests.conftest import ROOT

PAGE = (ROOT / "docs/reliability.md").read_text(encoding="utf-8")


def test_every_guarantee_names_tests_that_exist():
    page = PAGE.partition("## How the guarantees are tested")[0]
    guarantees = re.findall(r"^\| (?!---|guarantee)(.*) \| (.*) \|$", page, re.MULTILINE)
    assert len(guarantees) > 20
    for guarantee, tests in guarantees:
        named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", tests)
        assert named, guarantee
        for path, name in named:
            assert f"\ndef {name}(" in (ROOT / path).read_text(encoding="utf-8"), (path, name)
