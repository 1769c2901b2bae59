"""The public names of segclf, which are imported when they are first used."""

import pickle
import subprocess
import sys

import pytest

import segclf


def test_a_fresh_import_lists_the_public_names_without_torch():
    script = "import sys, segclf; print(*dir(segclf)); assert 'torch' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == sorted(segclf.__all__)


@pytest.mark.parametrize("name", segclf.__all__)
def test_a_public_name_exists_and_can_be_pickled(name):
    value = getattr(segclf, name)
    assert value.__name__ == name
    assert pickle.loads(pickle.dumps(value)) is value


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = segclf.nothing
