"""Runs to make reports of."""

import json

import pytest

from segclf import Workspace, embed, train
from segclf.training.options import TrainingOptions
from tests.conftest import STORIES


@pytest.fixture(scope="session")
def workspace(tmp_path_factory):
    """The example stories, embedded with a fast encoder, and two runs that differ in the seed."""
    made = Workspace(tmp_path_factory.mktemp("report"))
    embed(STORIES, made, encoder_name="surface")
    for seed in (0, 1):
        train(made, TrainingOptions(head="mlp", window=1, epochs=2, seed=seed))
    return made


def write_typed(path, sentences_of_documents):
    """Write a JSON Lines corpus of typed documents: every third sentence is a boundary."""
    with path.open("w", encoding="utf-8") as file:
        for number, (name, sentences) in enumerate(sentences_of_documents.items()):
            record = {
                "id": name,
                "sentences": sentences,
                "labels": [2 if i % 4 == 0 else int(i % 3 == 0) for i in range(len(sentences))],
                "split": ["train", "dev", "test"][min(number, 2)],
            }
            file.write(json.dumps(record, ensure_ascii=False) + "\n")
    return path
