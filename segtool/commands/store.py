"""Commands about the store of embeddings."""

from typing import Any

import typer

from segtool.options import JsonOption, WorkspaceOption, show

store_app = typer.Typer(
    help="Show the store of embeddings, or upgrade it.\n\nExample: segtool store info",
    rich_markup_mode=None,
    no_args_is_help=True,
)


@store_app.command()
def info(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Show the format of the store and the vectors of each encoder.

    Example: segtool store info --json
    """
    from segclf.workspace.workspace import Workspace

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
    show(content, _print_info, as_json)


@store_app.command()
def upgrade(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Bring a store of an earlier version to the present format, in place.

    The store can be read meanwhile, but not by earlier versions of segtool. An upgrade that was
    stopped goes on when it is run again.

    Example: segtool store upgrade
    """
    from segclf.workspace.workspace import Workspace

    store = Workspace(workspace).store()
    before = store.format()
    changed = store.upgrade(progress=not as_json)
    content = {"from": before, "to": store.format(), "values_rewritten": changed}
    show(content, _print_upgraded, as_json)


def _print_info(content: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table("encoder", "vectors", "numbers", "stored as", "size", "computed in")
    for space in content["spaces"]:
        precisions = [f"{name}: {rows:,}" for name, rows in space["precisions"].items()]
        table.add_row(
            escape(f"{space['encoder']} ({space['fingerprint'][:8]})"),
            f"{space['rows']:,}",
            f"{space['dim']:,}",
            space["dtype"],
            _megabytes(space["bytes"]),
            ", ".join(precisions),
        )
    Console(highlight=False).print(table)
    typer.echo(f"{content['path']}: format {content['format']}, {_megabytes(content['bytes'])}")


def _print_upgraded(content: dict[str, Any]) -> None:
    if content["from"] == content["to"]:
        typer.echo(f"the store has format {content['to']} already")
    else:
        typer.echo(
            f"the store has format {content['to']} now; "
            f"{content['values_rewritten']:,} values were rewritten"
        )


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"
