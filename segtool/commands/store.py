"""`segtool store`: show the store of sentence vectors, or upgrade it."""

import typer

from segtool.options import JsonOption, WorkspaceOption
from segtool.output import show

store_app = typer.Typer(
    help="Show the store of sentence vectors, or upgrade it.\n\nExample: segtool store info",
    rich_markup_mode=None,
    no_args_is_help=True,
)


@store_app.command()
def info(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Show the format of the store and its vectors.

    Example: segtool store info --json
    """
    from segclf.workspace.workspace import Workspace
    from segtool.tables.store import print_info

    store = Workspace(workspace).store()
    content = {
        "path": str(store.path),
        "format": store.format(),
        "bytes": store.file_bytes(),
        "spaces": [
            {
                "encoder": space.name,
                "fingerprint": space.fingerprint,
                "rows": space.rows,
                "dim": space.dim,
                "dtype": space.dtype,
                "bytes": space.bytes,
                "precisions": space.precisions,
            }
            for space in store.spaces()
        ],
    }
    show(content, print_info, as_json)


@store_app.command()
def upgrade(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Upgrade the store to the current format, in place.

    The store stays readable during the upgrade, but earlier versions of segtool cannot read it
    afterwards. After an interruption, run the command again to continue.

    Example: segtool store upgrade
    """
    from segclf.workspace.workspace import Workspace
    from segtool.tables.store import print_upgraded

    store = Workspace(workspace).store()
    before = store.format()
    changed = store.upgrade(progress=not as_json)
    content = {"from": before, "to": store.format(), "values_rewritten": changed}
    show(content, print_upgraded, as_json)
