"""`segtool store export` and `segtool store merge`: write vectors to files, and read them back."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from segtool.commands.store import space_content
from segtool.options import JsonOption, NewWorkspaceOption, WorkspaceOption
from segtool.output import note, show, shows_progress


def export(
    out: Annotated[Path, typer.Argument(help="File or folder to write, which must not exist.")],
    encoder: Annotated[
        str,
        typer.Option(metavar="NAME|FINGERPRINT", help="Encoder whose vectors are exported."),
    ],
    file_format: Annotated[
        Literal["safetensors", "npy", "parquet", "arrow"],
        typer.Option(
            "--format",
            help="safetensors: a file with the tensors ids and vectors. npy: a folder with the "
            "files ids.npy and vectors.npy. parquet and arrow: a file with the columns id, "
            "vector, truncated, precision and, if texts are kept, text; segtool store merge reads "
            "these files.",
        ),
    ] = "safetensors",
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the ids and vectors of an encoder to a file.

    The id of a sentence is the 128-bit XXH3 hash of its normalized text, as a high and a low half.

    Example: segtool store export vectors.safetensors --encoder surface
    """
    from embedcache.store.export import export_space
    from segclf.workspace.workspace import Workspace
    from segtool.tables.store import print_exported

    store = Workspace(workspace).store()
    fingerprint = store.find_space(encoder).fingerprint
    space = export_space(
        store.path, fingerprint, out, file_format, progress=shows_progress(as_json)
    )
    content = {**space_content(space), "dim": space.dim, "dtype": space.dtype, "out": str(out)}
    show(content, print_exported, as_json)
    if file_format in ("safetensors", "npy") and store.texts().size()[0]:
        note(f"notice: {file_format} has no texts: use --format parquet or arrow to export them")


def merge(
    shards: Annotated[
        list[str],
        typer.Argument(
            help="Folders or URLs of finished shards, or .arrow and .parquet files of one encoder."
        ),
    ],
    workspace: NewWorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add the vectors of shards, or of exported files, to the store.

    Vectors and texts that the store already has are skipped. All files are checked before the
    first file is merged. segtool embed --engine ray --shards writes shards; merging them does not
    need Ray.

    Example: segtool store merge shards/novels-0123456789ab
    """
    from embedcache.shards.merge import merge as merge_shards
    from segclf.workspace.workspace import Workspace
    from segtool.tables.store import print_merged

    opened = Workspace(workspace)
    merged = merge_shards(
        shards, lambda: opened.store(create=True), progress=shows_progress(as_json)
    )
    content = {
        "spaces": [
            {**space_content(space.info), "shards": space.shards, "vectors_added": space.added}
            for space in merged
        ]
    }
    show(content, print_merged, as_json)
