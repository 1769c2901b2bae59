"""Choice of a run: by name, by number, or by its score on the dev split."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from embedcache import UserError
from segclf.workspace.corpus_files import read_header
from segclf.workspace.workspace import Workspace

if TYPE_CHECKING:
    from segclf.workspace.runs import Run


def match_run(runs: "Sequence[Run]", name: str) -> "Run | None":
    """Find a run by its name, its number or the beginning of its name.

    Args:
        runs: Runs in the order in which they are numbered, from 1.
        name: Name of a run, the beginning of its name, or its number. A complete name takes
            precedence over a number, and a number over the beginning of a name.

    Returns:
        The run; None if there is none.

    Raises:
        UserError: `name` is neither a complete name nor a number, and several names begin with it.
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
    """Return the run with the highest dev F1 on a corpus.

    Runs that were trained on another version of the corpus, according to the digest in their
    records, are ignored. Runs whose scores on dev are defined are preferred to all other runs.
    Among these, runs that predict boundaries of any type are preferred to runs that predict one
    type, since their scores are not comparable. Among runs with the same F1, the latest is
    returned.

    Args:
        workspace: Workspace of the corpus.
        runs: Runs of the workspace.
        corpus_name: Name of the corpus; None for the latest.

    Returns:
        The run; None if no run was trained on the corpus, or if `corpus_name` is None and there is
        no corpus.

    Raises:
        UserError: There is no corpus `corpus_name`, or its file is damaged or has a newer format.
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
    """Return the reason why `best_on_dev` chose a run, for a user who did not name it."""
    record = run.record
    if record.has_dev_scores:
        return f"highest dev F1 on {record.corpus}"
    return f"no run on {record.corpus} has dev scores: its dev split has no boundary"


def _rank(run: "Run") -> tuple[bool, bool, float, float]:
    record = run.record
    f1 = float(record.dev.get("f1", 0.0))
    finished = record.finished.timestamp()
    return record.has_dev_scores, record.boundary_type == "any", f1, finished
