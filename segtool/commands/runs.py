"""`segtool runs`: list, show and remove runs."""

from typing import Annotated

import typer

from segtool.command_group import CommandGroup, pass_options
from segtool.commands.clean import removed_content
from segtool.completion import complete_runs
from segtool.options import RUN_HELP, DryRunOption, JsonOption, WorkspaceOption
from segtool.output import show

runs_app = CommandGroup()


@runs_app.callback()
def runs(
    context: typer.Context, workspace: WorkspaceOption = None, as_json: JsonOption = False
) -> None:
    """List the runs and their scores, show a run, or remove runs.

    Example: segtool runs --json
    """
    if context.invoked_subcommand is None:
        list_all(workspace=workspace, as_json=as_json)
    else:
        pass_options(context)


@runs_app.command("list")
def list_all(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """List the runs and their scores, oldest first.

    Example: segtool runs list --json
    """
    from segclf.experiments.leaderboard import run_row
    from segclf.tasks.clean import unfinished_runs
    from segclf.workspace.runs import best_run, list_runs
    from segclf.workspace.workspace import Workspace
    from segtool.tables.runs import print_runs

    opened = Workspace(workspace)
    best = best_run(opened)
    rows = [
        {"number": number, **run_row(run), "is_default": best is not None and run.path == best.path}
        for number, run in enumerate(list_runs(opened), 1)
    ]
    content = {"runs": rows, "unfinished": unfinished_runs(opened)}
    show(content, print_runs, as_json)


@runs_app.command("show")
def show_run(
    name: Annotated[str, typer.Argument(help=RUN_HELP, autocompletion=complete_runs)],
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show how a run was trained, and its scores.

    Example: segtool runs show bilstm-w4-001
    """
    from embedcache.files import size_of
    from segclf.experiments.leaderboard import run_row
    from segclf.workspace.runs import load_run
    from segclf.workspace.workspace import Workspace
    from segtool.tables.runs import print_run

    run = load_run(Workspace(workspace), name)
    content = {
        **run_row(run),
        "start": run.record.start.name if run.record.start else None,
        "types": ["line", "paragraph"] if run.is_typed else [run.record.boundary_type],
        "temperature": run.record.temperature,
        "seconds": run.record.seconds,
        "path": str(run.path),
        "bytes": size_of(run.path),
        "versions": run.record.versions,
    }
    show(content, print_run, as_json)


@runs_app.command("remove")
def remove(
    names: Annotated[
        list[str], typer.Argument(metavar="RUN", help=RUN_HELP, autocompletion=complete_runs)
    ],
    dry_run: DryRunOption = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove runs. The command does not ask for confirmation.

    Example: segtool runs remove mlp-w4-001 --dry-run
    """
    from segclf.tasks.clean import remove_runs
    from segclf.workspace.workspace import Workspace
    from segtool.tables.removal import print_removed

    removed = remove_runs(Workspace(workspace), names, dry_run=dry_run)
    show(removed_content(removed, dry_run), print_removed, as_json)
