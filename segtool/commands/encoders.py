"""`segtool encoders`: list the encoders, or show an encoder."""

from typing import Annotated

import typer

from embedcache.encoders import Pooling
from segtool.command_group import CommandGroup, pass_options
from segtool.completion import complete_encoders
from segtool.options import JsonOption, WorkspaceOption
from segtool.output import show

encoders_app = CommandGroup()


@encoders_app.callback()
def encoders(context: typer.Context, as_json: JsonOption = False) -> None:
    """List the built-in encoders, or show an encoder.

    Example: segtool encoders show e5-small
    """
    if context.invoked_subcommand is None:
        list_all(as_json=as_json)
    else:
        pass_options(context)


@encoders_app.command("list")
def list_all(as_json: JsonOption = False) -> None:
    """List the built-in encoders.

    Example: segtool encoders list --json
    """
    from embedcache import BUILT_IN
    from segtool.tables.encoders import print_encoders

    listed = {
        name: {"description": known.description, "package": known.package}
        for name, known in BUILT_IN.items()
    }
    show(listed, print_encoders, as_json)


@encoders_app.command("show")
def show_encoder(
    name: Annotated[
        str,
        typer.Argument(
            help="Name, folder or Hub id of an encoder; static:NAME or wordvec:FILE.",
            autocompletion=complete_encoders,
        ),
    ],
    pooling: Annotated[
        Pooling | None,
        typer.Option(help="Pooling, as in segtool embed. [default: the pooling of the encoder]"),
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the properties of an encoder and its stored vectors.

    Example: segtool encoders show e5-small
    """
    from embedcache import load_encoder
    from segclf.tasks.statistics import stored_vectors
    from segclf.workspace.workspace import Workspace
    from segtool.tables.encoders import print_encoder_properties

    opened = Workspace(workspace)
    described = [
        {**part.describe(), "stored": stored_vectors(opened, part.fingerprint)}
        for part in load_encoder(name, pooling=pooling).parts
    ]
    show({"name": name, "encoders": described}, print_encoder_properties, as_json)
