"""Devices and precisions."""

import pytest
import torch

from embedcache import UserError
from embedcache.encoders.devices import best_precision, resolve_precision


def test_the_number_of_a_device_does_not_change_its_precision():
    assert best_precision("cpu:0") == best_precision("cpu")


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two GPUs")
def test_the_precision_does_not_depend_on_the_current_device():
    expected = best_precision("cuda:1")
    with torch.cuda.device("cuda:1"):
        assert best_precision("cuda") == best_precision("cuda:1") == expected


def test_a_precision_that_the_device_lacks_is_an_error():
    with pytest.raises(UserError, match="--precision float8_e5m2: the device cpu does not support"):
        resolve_precision("float8_e5m2", "cpu")
