"""The optimizer computes what that of torch computes, and starts sooner."""

import copy
import subprocess
import sys

import torch
from torch import nn

from segclf.training.optimizer import AdamW
from tests.conftest import ROOT

TRAINING = """
import sys
from segclf.training.loop import train_head
from segclf.training.options import TrainingOptions
from tests.segclf.topics import topics

train_head(topics(0, documents=2), topics(1, documents=1), TrainingOptions(head="mlp", epochs=1))
assert not {"torch._dynamo", "sympy"} & sys.modules.keys()
"""


def test_its_steps_are_those_of_torch():
    torch.manual_seed(0)
    ours = nn.Linear(5, 3)
    theirs = copy.deepcopy(ours)
    for model, kind in ((ours, AdamW), (theirs, torch.optim.AdamW)):
        optimizer = kind(model.parameters(), 0.1, weight_decay=0.3, fused=True)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, 20, pct_start=0.1)
        random = torch.Generator().manual_seed(1)
        for _ in range(10):
            optimizer.zero_grad()
            model(torch.randn(4, 5, generator=random)).square().sum().backward()
            optimizer.step()
            schedule.step()
    assert not torch.equal(ours.weight, nn.Linear(5, 3).weight)
    assert torch.equal(ours.weight, theirs.weight)
    assert torch.equal(ours.bias, theirs.bias)


def test_training_does_not_import_the_compiler():
    done = subprocess.run(
        [sys.executable, "-c", TRAINING], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
