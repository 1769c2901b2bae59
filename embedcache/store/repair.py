"""Repairs a damaged store: keeps all that is sound, and leaves out the rest."""

from dataclasses import dataclass
from pathlib import Path

import lmdb

from embedcache.store.commits import restore_commits
from embedcache.store.contents import read_contents
from embedcache.store.environment import Environment
from embedcache.store.opening import Handle
from embedcache.store.replacement import replace
from embedcache.store.rewriting import write_data
from embedcache.store.space_info import SpaceInfo
from embedcache.store.verification import Verification, describe, verify, with_damage


@dataclass(frozen=True)
class Repair:
    """The result of `repair`.

    Attributes:
        found: What was damaged.
        spaces: Descriptions of the spaces after the repair, in the same order as in `found`.
    """

    found: Verification
    spaces: tuple[SpaceInfo, ...]

    @property
    def lost(self) -> list[int]:
        """Number of sentences of each space that must be encoded again."""
        pairs = zip(self.found.spaces, self.spaces, strict=True)
        return [before.rows - after.rows for before, after in pairs]


def repair(path: Path, *, progress: bool = False) -> Repair:
    """Write a new file with all sound values of a store, and replace the old one atomically.

    Only LMDB's descriptions of the last two commits are restored in place; see `restore_commits`. A
    repair of values in place could overwrite sound vectors: LMDB writes to the pages in its list of
    free pages, which may be damaged too. Values of the old file are only read, so a process that is
    killed leaves them as they were, or the complete new file. A sound store is not changed.

    A vector is kept if its block is sound and the index still has its sentence. Blocks and segments
    with a damaged key, and a description with one flipped bit, are restored. If the description of
    a space is lost, its sound values are kept, but cannot be read. Texts with another id are left
    out.

    Args:
        path: Folder of the store. Other processes may use it; those that write wait.
        progress: Whether to show a progress bar on standard error after two seconds.

    Raises:
        StoreError: There is no store, LMDB cannot read it, a later version of this package wrote
            it, it is read-only, the disk is full, or the system is Windows.
        OSError: The folder cannot be written.
    """
    restored = restore_commits(path)
    found = verify(path, progress=progress)
    if restored:
        found = with_damage(found, "commits")
    if found.is_sound:
        return Repair(found, found.spaces)
    environment = Environment.open(path)

    def write(old: Handle, transaction: lmdb.Transaction, folder: Path) -> Repair:
        contents = read_contents(environment, transaction, progress=progress)
        spaces = write_data(folder, contents, 2 * old.lmdb.info()["map_size"])
        others = [damage.part for damage in found.damage if damage.part in ("commits", "pages")]
        return Repair(with_damage(describe(contents), *others), tuple(spaces))

    return replace(environment, write)
