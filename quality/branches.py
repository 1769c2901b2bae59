"""Branch coverage: the share of the branches in the code that the tests take."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

BOUND = 95  # percent


def main() -> None:
    """Print the coverage that `coverage combine` has combined.

    Raises:
        SystemExit: The share of branches is below BOUND.
    """
    coverage = [sys.executable, "-m", "coverage"]
    subprocess.run([*coverage, "report", "--skip-covered", "--show-missing"], check=True)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "coverage.json")
        subprocess.run([*coverage, "json", "--quiet", "-o", str(path)], check=True)
        totals = json.loads(path.read_text(encoding="utf-8"))["totals"]
    taken, branches = totals["covered_branches"], totals["num_branches"]
    run, lines = totals["covered_lines"], totals["num_statements"]
    print(f"Statements run: {100 * run / lines:.1f}% ({run} of {lines})")
    share = 100 * taken / branches
    print(f"Branches taken: {share:.1f}% ({taken} of {branches}; at least {BOUND}%)")
    if share < BOUND:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
