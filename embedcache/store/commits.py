"""A second record of the last two commits, which is compared with that of LMDB.

LMDB describes its last two commits on pages 0 and 1 of the data file, without a checksum: a flipped
bit there may make it use the commit before the last one, or an empty tree. The file `commits` is a
copy of both descriptions with a checksum. It is written after each commit but not synced to
disk, so after a power failure LMDB's pages may be newer than the copy, but never older.

Writers do not exclude each other: each writes the content of LMDB's pages after its own commit, and
repeats this if they have changed in the meantime. Stores of earlier versions get the file with the
next commit.
"""

import os
import struct
import time
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from xxhash import xxh3_64_digest

from embedcache.errors import StoreError
from embedcache.folder_lock import folder_lock
from embedcache.store.pages import (
    DESCRIPTION_BYTES,
    Commit,
    DamagedPageError,
    check_all,
    check_values,
)

DATA_FILE, COMMITS_FILE = "data.mdb", "commits"

_CHECKSUM_BYTES = 8
_UNCHANGING_BYTES = 24  # of a description: header of the page, magic number and version
_VERSION = struct.pack("<II", 0xBEEFC0DE, 1)  # magic number and data version of LMDB 0.9
_PAGE_BYTES_AT = 40  # offset of the page size in a description
_PAUSE_SECONDS = 0.01
_ATTEMPTS = 100

Descriptions = tuple[bytes, bytes]
"""Descriptions of the last two commits: the first DESCRIPTION_BYTES of pages 0 and 1."""


def record_commits(folder: Path) -> None:
    """Copy LMDB's descriptions of the last two commits to the file `commits`.

    Nothing is written if the descriptions have an unknown format. If the file cannot be written,
    for example because the disk is full, it is out of date until the next commit, but no commit is
    lost.

    Args:
        folder: Folder of the store.
    """
    with suppress(OSError), folder_lock(folder), _open_record(folder) as file:
        recorded = None
        while recorded != (found := _read_descriptions(folder, None)) and _is_known(found):
            file.seek(0)
            file.write(xxh3_64_digest(b"".join(found)) + b"".join(found))
            recorded = found


def forget_commits(folder: Path) -> None:
    """Empty the file `commits`, and sync it to disk, before the data file is replaced.

    Raises:
        OSError: The file cannot be written.
    """
    with _open_record(folder) as file:
        file.truncate()
        os.fsync(file.fileno())


def check_commits(folder: Path, *, to_write: bool = False) -> None:
    """Check that no recorded commit was lost, and that the pages of the last one are sound.

    Other processes may commit at the same time: a problem is an error only if it persists while
    none of them commits. Nothing is checked if the descriptions have an unknown format.

    Args:
        folder: Folder of the store.
        to_write: Whether to check all that LMDB needs to write or to copy the data. It takes
            longer, since one page of each large value is read.

    Raises:
        StoreError: The data file is missing, a commit was lost, or a page is damaged.
    """
    before = None
    for _ in range(_ATTEMPTS):
        recorded = _read_record(folder)
        found = _read_descriptions(folder, recorded)  # later: it may be newer, but not older
        problem = _find_problem(folder, recorded, found, to_write=to_write)
        if problem is None:
            return
        if (recorded, found) == before:  # no process has written since the last attempt
            raise StoreError(f"the store {folder} is damaged: {problem}")
        before = recorded, found
        time.sleep(_PAUSE_SECONDS)


def is_record_damaged(folder: Path) -> bool:
    """Return whether the file `commits` is damaged; it is not if it is missing or empty."""
    record = folder / COMMITS_FILE
    is_written = record.exists() and record.stat().st_size > 0
    return is_written and _read_record(folder) is None


def restore_commits(folder: Path) -> bool:
    """Restore LMDB's descriptions of the last two commits from the file `commits`.

    Returns:
        Whether a description was damaged and has been restored. Nothing is restored if either file
        is missing, if `commits` is damaged or may be older than the last commit, or if the pages of
        the last commit are damaged too.
    """
    if not (folder / DATA_FILE).exists():
        return False
    with folder_lock(folder, exclusive=True):
        recorded = _read_record(folder)
        if recorded is None:
            return False
        found = _read_descriptions(folder, recorded)
        damaged = [n for n in (0, 1) if not _is_same_or_later(recorded[n], found[n])]
        later = [n for n in (0, 1) if n not in damaged and recorded[n] != found[n]]
        if later or not damaged:
            return False
        commit = _last_commit(recorded)
        try:
            check_values(folder / DATA_FILE, commit)
        except DamagedPageError:
            return False
        with (folder / DATA_FILE).open("r+b") as file:
            for number in damaged:
                file.seek(number * commit.page_bytes)
                file.write(recorded[number])
            file.flush()
            os.fsync(file.fileno())
    return True


def _find_problem(
    folder: Path,
    recorded: Descriptions | None,
    found: Descriptions,
    *,
    to_write: bool,
) -> str | None:
    """Return what is wrong and what to do about it; None if nothing is wrong."""
    if not any(found):
        if recorded is None:
            return None  # there is no store yet
        return f"its file {DATA_FILE} is missing: replace the folder with a backup, or delete it"
    if not _is_known(found):
        return None  # LMDB decides whether it can read the file
    is_complete = all(len(description) == DESCRIPTION_BYTES for description in found)
    if not is_complete or not _is_possible(recorded, found):
        return (
            "its last commit is missing, or the page that describes it is damaged: run segtool "
            "store repair"
        )
    commit = _last_commit(found)
    try:
        check_values(folder / DATA_FILE, commit)
    except DamagedPageError:
        return (
            "pages of LMDB are missing or damaged: replace it with a backup, or delete it and "
            "embed again"
        )
    try:
        if to_write:
            check_all(folder / DATA_FILE, commit)
    except DamagedPageError:
        return (
            "its list of free pages, or another page of LMDB, is damaged: run segtool store repair"
        )
    return None


def _is_known(found: Descriptions) -> bool:
    """Return whether any description has the format of LMDB 0.9 for little-endian processors."""
    start = _UNCHANGING_BYTES - len(_VERSION)
    return any(part[start:_UNCHANGING_BYTES] == _VERSION for part in found)


def _is_possible(recorded: Descriptions | None, found: Descriptions) -> bool:
    """Return whether LMDB may have written both descriptions, neither before the recorded one."""
    commits = [Commit.parse(description) for description in found]
    first, second = (commit.number for commit in commits)
    # commit n is described on page n % 2; both numbers are 0 in a new file
    has_numbers = first == second == 0 or (abs(first - second) == 1 and first % 2 == 0)
    if not has_numbers or commits[0].page_bytes != commits[1].page_bytes:
        return False
    return recorded is None or all(map(_is_same_or_later, recorded, found))


def _is_same_or_later(recorded: bytes, found: bytes) -> bool:
    """Return whether a description is the recorded one, or LMDB may have written it later.

    A later commit changes more than one bit, because the tree has another root. So one flipped bit
    in the number of the commit is not taken for a later commit.
    """
    if recorded == found:
        return True
    if len(found) != len(recorded) or found[:_UNCHANGING_BYTES] != recorded[:_UNCHANGING_BYTES]:
        return False
    if Commit.parse(found).number <= Commit.parse(recorded).number:
        return False
    changed = int.from_bytes(recorded, "little") ^ int.from_bytes(found, "little")
    return bin(changed).count("1") > 1


def _last_commit(descriptions: Descriptions) -> Commit:
    return max(map(Commit.parse, descriptions), key=lambda commit: commit.number)


def _open_record(folder: Path) -> BinaryIO:
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0)
    return os.fdopen(os.open(folder / COMMITS_FILE, flags, 0o666), "r+b", buffering=0)


def _read_record(folder: Path) -> Descriptions | None:
    """Read the file `commits`; return None if it is missing, empty or damaged."""
    try:
        content = (folder / COMMITS_FILE).read_bytes()
    except FileNotFoundError:
        return None
    checksum, joined = content[:_CHECKSUM_BYTES], content[_CHECKSUM_BYTES:]
    if len(joined) != 2 * DESCRIPTION_BYTES or xxh3_64_digest(joined) != checksum:
        return None
    return joined[:DESCRIPTION_BYTES], joined[DESCRIPTION_BYTES:]


def _read_descriptions(folder: Path, recorded: Descriptions | None) -> Descriptions:
    """Read both descriptions, which are empty or incomplete if the file is missing or too short.

    The second one is at the page size that the recorded description states, if there is one.
    """
    try:
        with (folder / DATA_FILE).open("rb", buffering=0) as file:
            first = file.read(DESCRIPTION_BYTES)
            source = recorded[0] if recorded else first
            page_bytes = int.from_bytes(source[_PAGE_BYTES_AT : _PAGE_BYTES_AT + 4], "little")
            file.seek(page_bytes)
            return first, file.read(DESCRIPTION_BYTES)
    except FileNotFoundError:
        return b"", b""
