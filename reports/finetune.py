"""Fine-tunes and scores the systems of `finetuned.toml` that have no run in the workspace yet.

An epoch takes minutes to hours. An interrupted run continues when this script is run again.
"""

import shlex
import subprocess
import sys
from typing import Any

from reports.systems import read_toml, runs_of, runs_on_corpus
from segclf.tasks.evaluate import evaluate
from segclf.tasks.evaluation_files import SCORED_SPLITS, read_evaluation
from segclf.workspace.runs import Run
from segclf.workspace.workspace import Workspace


def main() -> None:
    """Fine-tune and score the systems one after the other.

    A command that fails does not stop the others, but the exit status is then 1.
    """
    plan = read_toml("finetuned.toml")
    workspace = Workspace()
    failed = False
    for system in plan["system"]:
        if not _runs(system, workspace):
            commands = (plan["embed"], system["command"])
            print(f"$ {' && '.join(commands)}\n(an epoch takes minutes to hours)", flush=True)
            failed |= any(subprocess.call(shlex.split(command)) for command in commands)
        for run in _runs(system, workspace):
            _score(run, workspace)
    sys.exit(failed)


def _runs(system: dict[str, Any], workspace: Workspace) -> list[Run]:
    _, runs = runs_on_corpus(workspace)
    return runs_of(system, runs)


def _score(run: Run, workspace: Workspace) -> None:
    for split in SCORED_SPLITS:
        if not read_evaluation(run, split):
            evaluate(workspace, run, split=split, progress=True)


if __name__ == "__main__":
    main()
