"""Fixtures for tests of stage two."""

from collections.abc import Iterator

import pytest
import torch
from torch.nn.modules.module import register_module_forward_hook


@pytest.fixture
def threads_used() -> Iterator[set[int]]:
    """The numbers of threads with which networks compute, in a process whose default is three."""
    used: set[int] = set()
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    hook = register_module_forward_hook(lambda *_: used.add(torch.get_num_threads()))
    yield used
    hook.remove()
    torch.set_num_threads(before)


@pytest.fixture
def devices_used() -> Iterator[set[str]]:
    """The types of the devices on which networks compute."""
    used: set[str] = set()
    hook = register_module_forward_hook(lambda _, __, output: used.add(output.device.type))
    yield used
    hook.remove()
