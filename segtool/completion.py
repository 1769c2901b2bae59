"""Completion of names in a shell: runs, ready models, corpora and encoders.

These functions only list folders and read the configuration file, because they run whenever the
user presses the tab key.
"""

from typing import TYPE_CHECKING, Any

import typer

from embedcache import UserError
from segtool.configuration import Defaults, find_configuration, make_defaults

if TYPE_CHECKING:
    from segclf.workspace.workspace import Workspace


def complete_runs(context: typer.Context, incomplete: str) -> list[str]:
    """Return the names of the runs of the workspace, if they begin with `incomplete`."""
    from segclf.workspace.runs import RECORD

    workspace = _workspace(context)
    paths = workspace.runs.glob(f"*/{RECORD}") if workspace else []
    return _matching([path.parent.name for path in paths], incomplete)


def complete_models(context: typer.Context, incomplete: str) -> list[str]:
    """Return the names of the ready models, if they begin with `incomplete`."""
    from segclf.workspace.ready import MODEL, MODELS

    return _matching([path.parent.name for path in MODELS.glob(f"*/{MODEL}")], incomplete)


def complete_runs_and_models(context: typer.Context, incomplete: str) -> list[str]:
    """Return the names of the runs and of the ready models, if they begin with `incomplete`."""
    return complete_runs(context, incomplete) + complete_models(context, incomplete)


def complete_corpora(context: typer.Context, incomplete: str) -> list[str]:
    """Return the names of the embedded corpora, if they begin with `incomplete`."""
    workspace = _workspace(context)
    paths = workspace.corpora.glob("*.jsonl") if workspace else []
    return _matching([path.stem for path in paths], incomplete)


def complete_encoders(incomplete: str) -> list[str]:
    """Return the names of the built-in encoders, if they begin with `incomplete`."""
    from embedcache.encoders import BUILT_IN

    return _matching(list(BUILT_IN), incomplete)


def _workspace(context: typer.Context) -> "Workspace | None":
    """Return the workspace of a command; None if the configuration file has a mistake."""
    from segclf.workspace.workspace import Workspace

    # a group such as `segtool runs` accepts --workspace before its subcommand, too
    parent = {} if context.parent is None else context.parent.params
    workspace = context.params.get("workspace") or parent.get("workspace")
    if workspace is None:
        try:
            workspace = _configured(context).get("workspace")
        except UserError:  # the command will report the mistake in the configuration file
            return None
    return Workspace(workspace)


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
    # names of files and folders that are being written begin with a dot
    return sorted(name for name in names if name.startswith(incomplete) and name[0] != ".")
