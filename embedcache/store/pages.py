"""Checks the pages of an LMDB file without LMDB, which may crash on damaged pages.

A file has two trees: one of values, and one of the numbers of free pages. Pages 0 and 1, the meta
pages, describe the last two commits. The checks cover what LMDB relies on to find values and to
write: the kinds, numbers and sizes of the pages, the order of the keys, and the counts in the meta
page of a commit. Values are not read; they have checksums.
"""

import os
import struct
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

_PAGE = struct.Struct("<QHHHH")  # number, padding, kind, end of the offsets, start of the nodes
_LARGE = struct.Struct("<QHHI")  # header of a large value: number, padding, kind, page count
_NODE = struct.Struct("<IHH")  # size of the value and flags, or number of a child; size of the key
# magic number, version, address and size of the map; two trees; last page, number of the commit
_COMMIT = struct.Struct("<IIQQ" + 2 * "IHHQQQQQ" + "QQ")
_TREE_FIELDS = 8
_BRANCH, _LEAF, _OVERFLOW = 1, 2, 4  # kinds of pages
_HAS_PAGES = 1  # flag of a node whose value has its own pages
_INTEGER_KEYS = 8  # flag of the tree of free pages
_NO_PAGE = 2**64 - 1

DESCRIPTION_BYTES = _PAGE.size + _COMMIT.size


class DamagedPageError(Exception):
    """A page is missing or damaged."""


class Tree(NamedTuple):
    """A tree, as a commit describes it."""

    padding: int
    flags: int
    depth: int
    branch_pages: int
    leaf_pages: int
    overflow_pages: int
    entries: int
    root: int


class Commit(NamedTuple):
    """A commit, as page 0 or 1 describes it.

    Attributes:
        page_bytes: Size of a page in bytes.
        map_bytes: Size of the memory map in bytes; all pages fit in it.
        free: Tree of free pages.
        values: Tree of values.
        last_page: Number of the last page that was ever used.
        number: Number of the commit.
    """

    page_bytes: int
    map_bytes: int
    free: Tree
    values: Tree
    last_page: int
    number: int

    @classmethod
    def parse(cls, description: bytes) -> "Commit":
        """Parse the first DESCRIPTION_BYTES of page 0 or 1."""
        fields = _COMMIT.unpack_from(description, _PAGE.size)
        _, _, _, map_bytes, *trees, last_page, number = fields
        free, values = Tree(*trees[:_TREE_FIELDS]), Tree(*trees[_TREE_FIELDS:])
        # LMDB keeps the page size in the padding of the first tree
        return cls(free.padding, map_bytes, free, values, last_page, number)


class _Node(NamedTuple):
    """An entry of a page: a key with its value, or with the number of a child page.

    Attributes:
        key: Key.
        size: Size of the value in bytes; in a branch page, the low 32 bits of the child's number.
        flags: 1 if the value is large and has its own pages, else 0; in a branch page, the high 16
            bits of the child's number.
        content: Value, or the number of its first page if it is large; empty in a branch page.
    """

    key: bytes
    size: int
    flags: int
    content: bytes


class _Found(NamedTuple):
    """The pages of a tree, and the nodes of its leaf pages."""

    pages: list[int]
    nodes: list[_Node]


def check_values(path: Path, commit: Commit) -> None:
    """Check the pages that LMDB reads to find values, but not the order of the keys.

    The commit must remain one of the last two until the function returns, because the third
    write transaction after it may overwrite its pages.

    Args:
        path: Data file of LMDB.
        commit: Commit whose pages are checked.

    Raises:
        DamagedPageError: A page is missing or damaged.
    """
    with path.open("rb") as file:
        _Checker(file, commit, ordered=False).walk(commit.values)


def check_all(path: Path, commit: Commit) -> None:
    """Check what `check_values` checks, and all else that LMDB needs for writing.

    This is the list of free pages, the headers of large values and the order of the keys. The
    arguments and errors are those of `check_values`. One page of each large value is read.
    """
    with path.open("rb") as file:
        checker = _Checker(file, commit, ordered=True)
        used = []  # first and last page of each range
        for tree in (commit.values, commit.free):
            found = checker.walk(tree)
            large = [checker.large_value(node) for node in found.nodes if node.flags]
            pages = sum(last - first + 1 for first, last in large)
            _require(pages == tree.overflow_pages)
            used += [*large, *((page, page) for page in found.pages)]
        free = [checker.free_pages(node) for node in found.nodes]  # the last tree walked
        ranges = np.concatenate([np.array(used, dtype=np.int64).reshape(-1, 2), *free])
        first, last = ranges[np.argsort(ranges[:, 0])].T
        _require(bool((last[:-1] < first[1:]).all()))


class _Checker:
    """Reads and checks the pages of a commit."""

    def __init__(self, file: BinaryIO, commit: Commit, *, ordered: bool) -> None:
        self._file = file
        self._ordered = ordered
        self._commit = commit
        self._pages_in_file = os.fstat(file.fileno()).st_size // commit.page_bytes
        _require(commit.last_page * commit.page_bytes < commit.map_bytes)

    def walk(self, tree: Tree) -> _Found:
        """Check all pages of a tree and its counts, and return what was found."""
        is_free = tree is self._commit.free
        _require(tree.flags == (_INTEGER_KEYS if is_free else 0))
        found = _Found([], [])
        if tree.root != _NO_PAGE:
            self._walk(tree, tree.root, 1, None, None, found)
        large = sum(self._pages_of(node) for node in found.nodes if node.flags)
        _require(len(found.pages) == tree.branch_pages + tree.leaf_pages)
        # a value that became smaller within a transaction keeps its pages
        _require(len(found.nodes) == tree.entries and large <= tree.overflow_pages)
        return found

    def _walk(
        self,
        tree: Tree,
        number: int,
        depth: int,
        first: bytes | None,
        last: bytes | None,
        found: _Found,
    ) -> None:
        """Check a page and its subtree, and add them to `found`.

        Keys must be at least `first` and less than `last`; None means no limit.
        """
        _require(1 < number <= self._commit.last_page and depth <= tree.depth)
        found.pages.append(number)
        is_leaf = depth == tree.depth
        nodes = _parse(self._read_page(number), number, is_leaf=is_leaf)
        keys = [self._sortable(tree, node.key) for node in nodes]
        if not is_leaf:  # LMDB ignores the first key of a branch page
            keys[0] = first or b""
        if self._ordered:
            _require(all(a < b for a, b in pairwise(keys)))
            _require((first or b"") <= keys[0] and (last is None or keys[-1] < last))
        if is_leaf:
            found.nodes.extend(nodes)
            return
        for node, low, high in zip(nodes, keys, [*keys[1:], last], strict=True):
            child = node.size | node.flags << 32
            self._walk(tree, child, depth + 1, low, high, found)

    def _sortable(self, tree: Tree, key: bytes) -> bytes:
        """Return bytes that sort as LMDB sorts the key; its integer keys are little-endian."""
        return key[::-1] if tree.flags == _INTEGER_KEYS else key

    def _pages_of(self, node: _Node) -> int:
        """Return how many pages a large value needs, and check that the file contains them."""
        first = int.from_bytes(node.content, "little")
        count = -(-(_LARGE.size + node.size) // self._commit.page_bytes)
        last = first + count - 1
        _require(first > 1 and last <= self._commit.last_page and last < self._pages_in_file)
        return count

    def large_value(self, node: _Node) -> tuple[int, int]:
        """Check the header of a large value, and return its first and last page."""
        first = int.from_bytes(node.content, "little")
        number, _, kind, count = _LARGE.unpack(self._read(first, 0, _LARGE.size))
        _require((number, kind) == (first, _OVERFLOW) and count >= self._pages_of(node))
        return first, first + count - 1

    def free_pages(self, node: _Node) -> NDArray[np.int64]:
        """Return n free pages as ranges of one page: first and last page, (n, 2) int64.

        The value of the node contains n, followed by the page numbers in descending order.
        """
        content = node.content
        if node.flags:
            content = self._read(int.from_bytes(content, "little"), _LARGE.size, node.size)
        _require(len(node.key) == 8 and len(content) >= 8 and len(content) % 8 == 0)
        numbers = np.frombuffer(content, dtype="<u8")
        _require(int(numbers[0]) < len(numbers))
        free = numbers[1 : int(numbers[0]) + 1]
        _require(bool((free[1:] < free[:-1]).all() and (free > 1).all()))
        _require(bool((free <= self._commit.last_page).all()))
        return np.stack([free, free], axis=1).astype(np.int64)

    def _read_page(self, number: int) -> bytes:
        return self._read(number, 0, self._commit.page_bytes)

    def _read(self, page: int, start: int, size: int) -> bytes:
        self._file.seek(page * self._commit.page_bytes + start)
        content = self._file.read(size)
        _require(len(content) == size)
        return content


def _parse(page: bytes, number: int, *, is_leaf: bool) -> list[_Node]:
    """Return the nodes of a page, in the order of their keys."""
    stated, _, kind, lower, upper = _PAGE.unpack_from(page)
    _require((stated, kind) == (number, _LEAF if is_leaf else _BRANCH))
    _require(_PAGE.size < lower <= upper <= len(page) and lower % 2 == 0)
    offsets = struct.unpack_from(f"<{(lower - _PAGE.size) // 2}H", page, _PAGE.size)
    _require(max(offsets) <= len(page) - _NODE.size)
    nodes = {}
    end = len(page)
    for offset in sorted(offsets, reverse=True):  # nodes fill the end of the page without gaps
        size, flags, key_bytes = _NODE.unpack_from(page, offset)
        start = offset + _NODE.size + key_bytes
        stored = 0
        if is_leaf:
            _require(flags in (0, _HAS_PAGES))
            stored = 8 if flags else size
        _require(start + stored + (start + stored) % 2 == end)
        nodes[offset] = _Node(
            page[offset + _NODE.size : start], size, flags, page[start : start + stored]
        )
        end = offset
    _require(end == upper)
    return [nodes[offset] for offset in offsets]


def _require(condition: bool) -> None:
    if not condition:
        raise DamagedPageError
