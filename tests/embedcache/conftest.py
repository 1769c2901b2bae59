"""A cache of converted word vectors, and a file of word vectors."""

from pathlib import Path

import pytest

from tests.embedcache.words.files import as_text


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of converted word vectors, which is empty."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "segtool" / "words"


@pytest.fixture
def vector_file(tmp_path: Path, cache: Path) -> Path:
    path = tmp_path / "vectors.txt"
    path.write_bytes(as_text())
    return path
