"""Commands about encoders."""

from typing import Annotated

import typer

from segtool.options import JsonOption, PoolingOption, WorkspaceOption, show

encoders_app = typer.Typer(
    help="List encoders, or show one.\n\nExample: segtool encoders show e5-small",
    rich_markup_mode=None,
)


@encoders_app.callback()
def encoders(context: typer.Context, as_json: JsonOption = False) -> None:
    """List the built-in encoders; any sentence-transformers or Hugging Face model works too.

    Example: segtool encoders show e5-small
    """
    from embedcache import BUILT_IN
    from segtool.tables.single import print_encoders

    if context.invoked_subcommand is None:
        listed = {
            name: {"description": known.description, "package": known.package}
            for name, known in BUILT_IN.items()
        }
        show(listed, print_encoders, as_json)


@encoders_app.command("show")
def show_encoder(
    name: Annotated[str, typer.Argument(help="A name, a folder, a Hub id, or wordvec:FILE.")],
    pooling: PoolingOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Load an encoder and show its size, limits, fingerprint and vectors in the store.

    Example: segtool encoders show e5-small
    """
    from embedcache import load_encoder
    from segclf.workspace.encoders import stored_vectors
    from segclf.workspace.workspace import Workspace
    from segtool.tables.single import print_described

    place = Workspace(workspace)
    described = [
        {**part.describe(), "stored": stored_vectors(place, part.fingerprint)}
        for part in load_encoder(name, pooling=pooling).parts
    ]
    show({"name": name, "encoders": described}, print_described, as_json)
