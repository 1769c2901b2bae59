"""Each promise in docs/reliability.md names tests that exist."""

import re

from tests.conftest import ROOT

PAGE = (ROOT / "docs/reliability.md").read_text(encoding="utf-8")


def test_every_promise_names_tests_that_exist():
    page = PAGE.partition("## How it is tried")[0]
    promises = re.findall(r"^\| (?!---|promise)(.*) \| (.*) \|$", page, re.MULTILINE)
    assert len(promises) > 20
    for promise, tests in promises:
        named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", tests)
        assert named, promise
        for path, name in named:
            assert f"\ndef {name}(" in (ROOT / path).read_text(encoding="utf-8"), (path, name)
