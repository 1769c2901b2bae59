"""Models of the Hugging Face Hub, without network: from its cache, and errors."""

import os
import shutil
import subprocess
import sys

import numpy as np
import pytest

from segclf import BoundaryClassifier

OFFLINE = """
import sys, numpy as np
from embedcache import UserError
from segclf import BoundaryClassifier
from segclf.workspace.hub import push_to_hub
vectors = np.load(sys.argv[1])
print(BoundaryClassifier.from_pretrained("user/model").predict_proba(vectors).tolist())
for call in (
    lambda: BoundaryClassifier.from_pretrained("user/other"),
    lambda: BoundaryClassifier.from_pretrained("no/such/folder"),
    lambda: push_to_hub(sys.argv[2], "user/model", token="none"),
    lambda: push_to_hub(sys.argv[2], "user/a/model"),
):
    try: call()
    except UserError as error: print(error)
"""


@pytest.fixture
def classifier():
    random = np.random.default_rng(0)
    vectors, begins = random.standard_normal((200, 4)).astype(np.float32), np.arange(200) % 5 == 0
    return BoundaryClassifier("mlp", window=1, epochs=1).fit(vectors, begins), vectors


def test_a_model_is_read_from_the_cache_of_the_hub_and_errors_have_one_line(classifier, tmp_path):
    trained, vectors = classifier
    trained.save_pretrained(tmp_path / "model")
    repository = tmp_path / "home/hub/models--user--model"
    commit = "0" * 40
    shutil.copytree(tmp_path / "model", repository / "snapshots" / commit)
    (repository / "refs").mkdir()
    (repository / "refs/main").write_text(commit)
    np.save(tmp_path / "vectors.npy", vectors)
    done = subprocess.run(
        [sys.executable, "-c", OFFLINE, tmp_path / "vectors.npy", tmp_path / "model"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=os.environ | {"HF_HOME": str(tmp_path / "home"), "HF_HUB_OFFLINE": "1"},
    )
    assert done.returncode == 0, done.stderr
    probabilities, *errors = done.stdout.splitlines()
    np.testing.assert_array_equal(eval(probabilities), trained.predict_proba(vectors))
    starts = (
        "there is no folder user/other, and it cannot be downloaded from the Hub: ",
        "no/such/folder contains no model: ",
        "cannot upload to user/model: ",
        "'user/a/model' is not the name of a repository",
    )
    assert len(errors) == len(starts), done.stdout
    for error, start in zip(errors, starts, strict=True):
        assert error.startswith(start)
