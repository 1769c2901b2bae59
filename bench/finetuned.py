"""Fine-tune what `bench/finetuned.toml` names and no run in the workspace shows yet.

An epoch takes minutes to hours. What is stopped goes on when this is run again.
"""

import subprocess
import sys

from bench.results_rows import finetuned_plan, full_command, is_run_of
from segclf.runs import list_runs
from segclf.workspace import Workspace


def main() -> None:
    """Run the commands one after the other; one that fails does not stop the others."""
    plan = finetuned_plan()
    failed = False
    for system in plan["system"]:
        if not any(is_run_of(run, system["options"]) for run in list_runs(Workspace())):
            command = full_command(plan, system)
            print(f"$ {command}\n(an epoch takes minutes to hours)", flush=True)
            failed |= subprocess.run(command, shell=True).returncode != 0
    sys.exit(failed)


if __name__ == "__main__":
    main()
