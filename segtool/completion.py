"""Completion of names in a shell: runs, ready models, corpora and encoders.

These functions only list folders and read the configuration file, because they run whenever the
user presses the tab key.
"""

from pathlib import Path
from typing import Any

import typer

from embedcache import UserError
from segtool.configuration import Defaults, find_configuration, make_defaults


def complete_runs(context: typer.Context, incomplete: str) -> list[str]:
    """Return the names of the runs of the workspace, if they begin with `incomplete`."""
    return _matching(
        [path.parent.name for path in _workspace_files(context, "runs/*/run.json")], incomplete
    )


def complete_models(context: typer.Context, incomplete: str) -> list[str]:
    """Return the names of the ready models, if they begin with `incomplete`."""
    from segclf.workspace.ready import MODEL, MODELS

    return _matching([path.parent.name for path in MODELS.glob(f"*/{MODEL}")], incomplete)


def complete_runs_and_models(context: typer.Context, incomplete: str) -> list[str]:
    """Return the names of the runs and of the ready models, if they begin with `incomplete`."""
    return complete_runs(context, incomplete) + complete_models(context, incomplete)


def complete_corpora(context: typer.Context, incomplete: str) -> list[str]:
    """Return the names of the embedded corpora, if they begin with `incomplete`."""
    paths = _workspace_files(context, "corpora/*.jsonl")
    return _matching([path.stem for path in paths], incomplete)


def complete_encoders(incomplete: str) -> list[str]:
    """Return the names of the built-in encoders, if they begin with `incomplete`."""
    from embedcache.encoders import BUILT_IN

    return _matching(list(BUILT_IN), incomplete)


def _workspace_files(context: typer.Context, pattern: str) -> list[Path]:
    from segclf.workspace.workspace import Workspace

    # a group such as `segtool runs` accepts --workspace before its subcommand, too
    parent = {} if context.parent is None else context.parent.params
    workspace = context.params.get("workspace") or parent.get("workspace")
    if workspace is None:
        try:
            workspace = _configured(context).get("workspace")
        except UserError:  # the command will report the mistake in the configuration file
            return []
    return list(Workspace(workspace).path.glob(pattern))


def _configured(context: Any) -> Defaults:  # noqa: ANN401
    """Return the defaults that the configuration file sets for a command.

    During completion, Typer does not call `segtool.app.options`, which reads the file for commands.
    """
    if context.parent is None:
        found = find_configuration()
        return make_defaults(found, context.command) if found else {}
    defaults: Defaults = _configured(context.parent).get(context.info_name, {})
    return defaults


def _matching(names: list[str], incomplete: str) -> list[str]:
    return sorted(name for name in names if name.startswith(incomplete) and name[0] != ".")
