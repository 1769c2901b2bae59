"""Chooses a run: by number, by the beginning of its name, or by its score on the dev split."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from embedcache import UserError
from segclf.workspace.corpus_files import read_header
from segclf.workspace.workspace import Workspace

if TYPE_CHECKING:
    from segclf.workspace.runs import Run


def match_run(runs: "Sequence[Run]", name: str) -> "Run | None":
    """Return the run with a given name, number or beginning of its name; None if there is none.

    Args:
        runs: Runs in the order in which they are numbered, from 1.
        name: Name of a run, the beginning of its name, or its number. A complete name takes
            precedence over a number, and a number over the beginning of a name.

    Raises:
        UserError: Several names begin with `name`.
    """
    for run in runs:
        if run.name == name:
            return run
    numbered = {str(number): run for number, run in enumerate(runs, start=1)}
    if name in numbered:
        return numbered[name]
    found = [run for run in runs if name and run.name.startswith(name)]
    if len(found) > 1:
        names = ", ".join(run.name for run in found)
        raise UserError(f"several runs begin with {name!r}: choose one of {names}")
    return found[0] if found else None


def best_on_dev(
    workspace: Workspace, runs: "Sequence[Run]", corpus_name: str | None = None
) -> "Run | None":
    """Return the run with the highest dev F1 on a corpus; None if no run was trained on it.

    Runs that were trained on an earlier version of the corpus are ignored. A run whose scores on
    dev are undefined comes last. Runs that predict boundaries of all types are preferred to other
    runs, whose scores are not comparable. Among runs with the same score, the latest is returned.

    Args:
        workspace: Workspace of the corpus.
        runs: Runs of the workspace.
        corpus_name: Name of the corpus; None for the latest.

    Raises:
        UserError: There is no such corpus, or its file is damaged.
    """
    if corpus_name is None and not workspace.corpus_names():
        return None
    path = workspace.corpus_path(corpus_name)
    digest = read_header(path).get("digest", "")
    candidates = [
        run
        for run in runs
        if run.record.corpus == path.stem and run.record.corpus_digest in ("", digest)
    ]
    return max(candidates, key=_rank, default=None)


def describe_choice(run: "Run") -> str:
    """Say why a run is the best of its corpus, for a user who did not name it."""
    record = run.record
    if record.has_dev_scores:
        return f"highest dev F1 on {record.corpus}"
    return f"no run on {record.corpus} has dev scores: its dev split has no boundary"


def _rank(run: "Run") -> tuple[bool, bool, float, float]:
    record = run.record
    f1 = float(record.dev.get("f1", 0.0))
    finished = record.finished.timestamp()
    return record.has_dev_scores, record.boundary_type == "any", f1, finished
