"""`segtool store`: commands that show and maintain the store of sentence vectors."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from segtool.command_group import CommandGroup
from segtool.options import DryRunOption, JsonOption, WorkspaceOption
from segtool.output import show, shows_progress

if TYPE_CHECKING:
    from embedcache import EmbeddingStore, SpaceInfo
    from embedcache.store.verification import Verification
    from segclf.tasks.garbage import Garbage

store_app = CommandGroup(
    help="Show and maintain the store of sentence vectors.\n\nExample: segtool store info",
    no_args_is_help=True,
)


@store_app.command()
def info(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Show the content of the store, and the corpora that use it.

    Example: segtool store info --json
    """
    from segclf.workspace.corpus_files import corpora_of_spaces
    from segclf.workspace.workspace import Workspace
    from segtool.tables.store import print_info

    opened = Workspace(workspace)
    store = opened.store()
    corpora = corpora_of_spaces(opened.corpus_paths())
    used = store.used_bytes()
    content = {
        "path": str(store.path),
        "format": store.format(),
        "bytes": store.file_bytes(),
        "bytes_used": used,
        "bytes_free": max(store.file_bytes() - used, 0),
        **texts_content(store),
        "spaces": [
            {
                **space_content(space),
                "dim": space.dim,
                "dtype": space.dtype,
                "precisions": space.precisions,
                "corpora": corpora.get(space.fingerprint, []),
            }
            for space in store.spaces()
        ],
    }
    show(content, print_info, as_json)


@store_app.command(kept="The values rewritten so far are kept.", resumes=True)
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
    changed = store.upgrade(progress=shows_progress(as_json))
    content = {"from": before, "to": store.format(), "values_rewritten": changed}
    show(content, print_upgraded, as_json)


@store_app.command()
def verify(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Read the whole store and list all damage.

    The exit status is 1 if the store is damaged. The store is not changed. Texts that segtool
    embed --keep-text has kept are compared with their ids.

    Example: segtool store verify
    """
    from embedcache.store.verification import verify as verify_store
    from segclf.workspace.workspace import Workspace
    from segtool.tables.store import print_verified

    path = Workspace(workspace).store_path()
    found = verify_store(path, progress=shows_progress(as_json))
    content = {
        "path": str(path),
        "sound": found.is_sound,
        "spaces": [
            {**space_content(space), "damaged_values": len(found.damage_of(space))}
            for space in found.spaces
        ],
        "texts": found.texts,
        "damage": _damage(found),
        "bytes_unreachable": found.unreachable,
    }
    show(content, print_verified, as_json)
    if not found.is_sound:
        raise typer.Exit(1)


@store_app.command()
def repair(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Remove damaged values from the store, and keep all others.

    A new file replaces the old one atomically. Run segtool embed again to encode the sentences
    whose vectors were lost.

    Example: segtool store repair
    """
    from embedcache.store.repair import repair as repair_store
    from segclf.workspace.workspace import Workspace
    from segtool.tables.store import print_repaired

    path = Workspace(workspace).store_path()
    done = repair_store(path, progress=shows_progress(as_json))
    content = {
        "path": str(path),
        "damage": _damage(done.found),
        "spaces": [
            {**space_content(space), "sentences_lost": lost}
            for space, lost in zip(done.spaces, done.lost, strict=True)
        ],
        "bytes_unreachable": done.found.unreachable,
    }
    show(content, print_repaired, as_json)


@store_app.command()
def backup(
    path: Annotated[Path, typer.Argument(help="Folder of the copy, which must not exist.")],
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Copy the store to a new folder. Other processes may write to the store at the same time.

    To restore a backup, replace the folder store of the workspace with the copy.

    Example: segtool store backup copies/monday
    """
    from embedcache.store.backup import back_up
    from segclf.workspace.workspace import Workspace
    from segtool.tables.store import print_backup

    store = Workspace(workspace).store_path()
    content = {"path": str(store), "backup": str(path), "bytes": back_up(store, path)}
    show(content, print_backup, as_json)


@store_app.command()
def compact(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Rewrite the file of the store without free pages.

    A new file replaces the old one atomically. Other processes may read the store at the same time;
    processes that write to it wait.

    Example: segtool store compact
    """
    from embedcache.store.compaction import compact as compact_store
    from segclf.workspace.workspace import Workspace
    from segtool.tables.store import print_compacted

    path = Workspace(workspace).store_path()
    before, after = compact_store(path)
    content = {"path": str(path), "bytes_before": before, "bytes_after": after}
    show(content, print_compacted, as_json)


@store_app.command(kept="Some of the vectors may already have been removed. The others are kept.")
def gc(
    encoder: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME|FINGERPRINT",
            help="Remove the vectors of this encoder, even if a corpus uses them. Can be repeated.",
        ),
    ] = None,
    unused: Annotated[
        bool,
        typer.Option("--unused", help="Remove the vectors of encoders that no corpus or run uses."),
    ] = False,
    sentences: Annotated[
        bool,
        typer.Option(
            "--sentences", help="Remove the vectors and texts of sentences that are in no corpus."
        ),
    ] = False,
    dry_run: DryRunOption = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove vectors that are no longer needed.

    Corpora and runs of other workspaces are not considered. The command does not ask for
    confirmation.

    Example: segtool store gc --unused --dry-run
    """
    from segclf.tasks.garbage import collect_garbage
    from segclf.workspace.workspace import Workspace
    from segtool.tables.store import print_garbage

    garbage = collect_garbage(
        Workspace(workspace),
        encoders=encoder or [],
        unused=unused,
        sentences=sentences,
        dry_run=dry_run,
        progress=shows_progress(as_json),
    )
    show(garbage_content(garbage, dry_run), print_garbage, as_json)


def garbage_content(garbage: "Garbage", dry_run: bool) -> dict[str, Any]:
    """Return the content of `segtool store gc --json`."""
    return {
        "removed": not dry_run,
        "spaces": [
            {**space_content(space), "corpora": garbage.corpora.get(space.fingerprint, [])}
            for space in garbage.spaces
        ],
        "vectors": [
            {**space_content(space), "rows": count, "bytes": space.bytes // space.rows * count}
            for space, count in garbage.vectors
        ],
        "texts": garbage.texts,
        "bytes_unreachable": garbage.unreachable,
    }


def texts_content(store: "EmbeddingStore") -> dict[str, int]:
    """Return the entries about the kept texts in the output of `segtool store info`."""
    texts, size = store.texts().size()
    return {"texts": texts, "bytes_of_texts": size}


def space_content(space: "SpaceInfo") -> dict[str, Any]:
    """Return the entries about the vectors of an encoder in the output of commands on the store."""
    return {
        "encoder": space.name,
        "fingerprint": space.fingerprint,
        "rows": space.rows,
        "bytes": space.bytes,
    }


def _damage(found: "Verification") -> list[dict[str, Any]]:
    names = {space.fingerprint: space.name for space in found.spaces}
    return [
        {
            "part": damage.part,
            "encoder": names.get(damage.space or ""),
            "fingerprint": damage.space,
            "rows": damage.rows,
            "sentences": damage.sentences,
        }
        for damage in found.damage
    ]
