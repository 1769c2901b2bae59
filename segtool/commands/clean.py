"""`segtool clean`: remove files that interrupted commands left, and unused vectors."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from segtool.commands.store import garbage_content
from segtool.options import DryRunOption, JsonOption, WorkspaceOption
from segtool.output import note, show, shows_progress

if TYPE_CHECKING:
    from segclf.tasks.clean import Removed


def clean(
    vectors: Annotated[
        bool,
        typer.Option(
            "--vectors",
            help="Also remove the vectors that no corpus and no run uses, as segtool store gc "
            "--unused --sentences does.",
        ),
    ] = False,
    dry_run: DryRunOption = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove hidden files that interrupted commands left.

    Corpora and runs, including unfinished runs of segtool finetune, are kept.

    Example: segtool clean --vectors --dry-run
    """
    from segclf.tasks.clean import clean as clean_workspace
    from segclf.tasks.clean import unfinished_runs
    from segclf.tasks.garbage import collect_garbage
    from segclf.workspace.workspace import Workspace
    from segtool.tables.removal import print_cleaned

    opened = Workspace(workspace)
    content: dict[str, Any] = removed_content(clean_workspace(opened, dry_run=dry_run), dry_run)
    if vectors and opened.has_store():
        garbage = collect_garbage(
            opened,
            encoders=[],
            unused=True,
            sentences=True,
            dry_run=dry_run,
            progress=shows_progress(as_json),
        )
        content["store"] = garbage_content(garbage, dry_run)
    show(content, print_cleaned, as_json)
    if kept := unfinished_runs(opened):
        note(
            f"notice: unfinished runs are kept: {', '.join(kept)}. To continue a run, repeat its "
            "command; to remove a run, use segtool runs remove"
        )


def removed_content(removed: "Sequence[Removed]", dry_run: bool) -> dict[str, Any]:
    """Return the JSON output of a command that removes files."""
    return {
        "removed": not dry_run,
        "paths": [{"path": str(item.path), "bytes": item.bytes} for item in removed],
        "bytes": sum(item.bytes for item in removed),
    }
