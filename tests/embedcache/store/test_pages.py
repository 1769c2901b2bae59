"""The checks of LMDB's pages: each kind of damage is found, and sound files pass."""

import struct
from itertools import pairwise

import lmdb
import numpy as np
import pytest

from embedcache.store.pages import (
    DESCRIPTION_BYTES,
    Commit,
    DamagedPageError,
    check_all,
    check_values,
)

PAGE = 4096
HEADER = 16  # bytes of the header of a page
BRANCH, LEAF = 1, 2


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """A file with three levels of pages, large values and free pages, and its last commit."""
    folder = tmp_path_factory.mktemp("lmdb")
    numbers = np.random.default_rng(0).permutation(6000).tolist()
    with lmdb.open(str(folder), map_size=1 << 26) as environment:
        for part in (numbers[:3000], numbers[3000:]):
            with environment.begin(write=True) as transaction:
                for number in part:
                    key = b"key of some length " + number.to_bytes(8, "big") * 6
                    transaction.put(key, b"x" * (9000 if number % 1000 == 0 else number % 300))
        with environment.begin(write=True) as transaction:
            for key in [bytes(key) for key, _ in transaction.cursor()][:200]:
                transaction.delete(key)
    content = (folder / "data.mdb").read_bytes()
    commits = [Commit.parse(content[start : start + DESCRIPTION_BYTES]) for start in (0, PAGE)]
    return content, max(commits, key=lambda commit: commit.number)


def problem_of(path, content, commit):
    """Return the check that fails: "" for none, "values", or "all" if only `check_all` fails."""
    path.write_bytes(content)
    try:
        check_values(path, commit)
    except DamagedPageError:
        with pytest.raises(DamagedPageError):
            check_all(path, commit)
        return "values"
    try:
        check_all(path, commit)
    except DamagedPageError:
        return "all"
    return ""


def pages_of(content, tree):
    """List the pages of a tree, as numbers and their depths, from the root."""
    found = [(tree.root, 1)]
    for number, depth in found:
        if depth < tree.depth:
            found += [(child, depth + 1) for child in children_of(content, number)]
    return found


def offsets_of(content, number):
    (lower,) = struct.unpack_from("<H", content, number * PAGE + 12)
    return struct.unpack_from(f"<{(lower - HEADER) // 2}H", content, number * PAGE + HEADER)


def children_of(content, number):
    parts = [
        struct.unpack_from("<IH", content, number * PAGE + o) for o in offsets_of(content, number)
    ]
    return [low | high << 32 for low, high in parts]


def changed(content, position, layout, value):
    copy = bytearray(content)
    struct.pack_into(layout, copy, position, value)
    return bytes(copy)


def test_a_sound_file_passes(sound, tmp_path):
    content, commit = sound
    assert commit.values.depth == 3
    assert commit.values.overflow_pages == 3 * 5  # one is deleted
    assert commit.free.entries > 0
    assert problem_of(tmp_path / "data", content, commit) == ""
    exact = commit._replace(map_bytes=commit.last_page * PAGE + 1)
    assert problem_of(tmp_path / "data", content, exact) == ""


@pytest.mark.parametrize("tree", ["values", "free"])
@pytest.mark.parametrize("step", [-1, 1])
@pytest.mark.parametrize(
    "field", ["flags", "depth", "branch_pages", "leaf_pages", "overflow_pages", "entries", "root"]
)
def test_a_wrong_number_in_the_description_of_a_tree_is_found(sound, tmp_path, tree, step, field):
    content, commit = sound
    old = getattr(commit, tree)
    new = old._replace(**{field: max(getattr(old, field) + step, 0)})
    if new == old:
        new = old._replace(**{field: 1})
    expected = "all" if tree == "free" or (field, step) == ("overflow_pages", 1) else "values"
    found = problem_of(tmp_path / "data", content, commit._replace(**{tree: new}))
    assert found == expected


def test_pages_beyond_the_end_or_the_map_are_found(sound, tmp_path):
    content, commit = sound
    numbers = [number for number, _ in pages_of(content, commit.values)]
    for other in (
        commit._replace(last_page=max(numbers) - 1),
        commit._replace(map_bytes=commit.last_page * PAGE),
        commit._replace(values=commit.values._replace(root=0)),
        commit._replace(values=commit.values._replace(root=1)),
        commit._replace(values=commit.values._replace(root=commit.last_page + 1)),
    ):
        assert problem_of(tmp_path / "data", content, other) == "values"
    for size in (max(numbers) * PAGE, max(numbers) * PAGE + PAGE - 1):
        assert problem_of(tmp_path / "data", content[:size], commit) == "values"


@pytest.mark.parametrize("tree", ["values", "free"])
@pytest.mark.parametrize(
    ("field", "layout", "value"),
    [
        (0, "<Q", 5),
        (10, "<H", 4),
        (12, "<H", HEADER),
        (12, "<H", 19),
        (14, "<H", 20),
        (12, "<I", 0x20202020),
    ],
    ids=[
        "number",
        "kind",
        "no nodes",
        "odd end of the offsets",
        "start of the nodes",
        "offsets beyond the page",
    ],
)
def test_a_wrong_header_of_a_page_is_found(sound, tmp_path, tree, field, layout, value):
    content, commit = sound
    for number in {
        depth: page for page, depth in pages_of(content, getattr(commit, tree))
    }.values():
        damaged = changed(content, number * PAGE + field, layout, value)
        assert problem_of(tmp_path / "data", damaged, commit) == (
            "values" if tree == "values" else "all"
        )


def test_keys_in_a_wrong_order_are_found_before_writing(sound, tmp_path):
    content, commit = sound
    for number in {depth: page for page, depth in pages_of(content, commit.values)}.values():
        first, second = offsets_of(content, number)[1:3]
        swapped = changed(content, number * PAGE + HEADER + 2, "<H", second)
        swapped = changed(swapped, number * PAGE + HEADER + 4, "<H", first)
        assert problem_of(tmp_path / "data", swapped, commit) == "all"


def test_a_key_outside_the_range_of_its_page_is_found_before_writing(sound, tmp_path):
    content, commit = sound
    leaves = [page for page, depth in pages_of(content, commit.values) if depth == 3]
    for leaf, position, letter in ((leaves[1], 0, b"a"), (leaves[1], -1, b"z")):
        start = leaf * PAGE + offsets_of(content, leaf)[position] + 8
        assert content[start : start + 3] == b"key"
        damaged = content[:start] + letter + content[start + 1 :]
        assert problem_of(tmp_path / "data", damaged, commit) == "all"


def test_a_wrong_node_is_found(sound, tmp_path):
    content, commit = sound
    leaves = [page for page, depth in pages_of(content, commit.values) if depth == 3]
    start = leaves[0] * PAGE + offsets_of(content, leaves[0])[0]
    (size, flags, key_bytes) = struct.unpack_from("<IHH", content, start)
    for position, layout, value in (
        (0, "<I", size + 2),
        (0, "<I", 1 << 30),
        (4, "<H", flags | 2),
        (6, "<H", key_bytes + 2),
        (6, "<H", 0xFFFF),
    ):
        damaged = changed(content, start + position, layout, value)
        assert problem_of(tmp_path / "data", damaged, commit) == "values"
    beyond = changed(content, leaves[0] * PAGE + HEADER, "<H", PAGE - 4)
    assert problem_of(tmp_path / "data", beyond, commit) == "values"


def large_values(content, commit):
    """List the positions at which leaves refer to large values, and the first page of each."""
    found = []
    for leaf in [page for page, depth in pages_of(content, commit.values) if depth == 3]:
        for offset in offsets_of(content, leaf):
            _, flags, key_bytes = struct.unpack_from("<IHH", content, leaf * PAGE + offset)
            if flags:
                start = leaf * PAGE + offset + 8 + key_bytes
                found.append((start, *struct.unpack_from("<Q", content, start)))
    return found


def test_damage_to_a_large_value_is_found(sound, tmp_path):
    content, commit = sound
    start, page = large_values(content, commit)[0]
    for first, expected in ((0, "values"), (1, "values"), (commit.last_page - 1, "values")):
        damaged = changed(content, start, "<Q", first)
        assert problem_of(tmp_path / "data", damaged, commit) == expected
    _, other = large_values(content, commit)[1]
    shared = changed(content, start, "<Q", other)
    assert problem_of(tmp_path / "data", shared, commit) == "all"
    for position, layout, value in ((0, "<Q", page + 1), (10, "<H", 2), (12, "<I", 2)):
        damaged = changed(content, page * PAGE + position, layout, value)
        assert problem_of(tmp_path / "data", damaged, commit) == "all"


def free_lists(content, commit):
    """List the positions of the lists of free pages, and the page numbers in each."""
    found = []
    for leaf in [
        page for page, depth in pages_of(content, commit.free) if depth == commit.free.depth
    ]:
        for offset in offsets_of(content, leaf):
            (_, flags, key_bytes) = struct.unpack_from("<IHH", content, leaf * PAGE + offset)
            start = leaf * PAGE + offset + 8 + key_bytes
            if flags:  # the value has its own pages
                start = struct.unpack_from("<Q", content, start)[0] * PAGE + HEADER
            (count,) = struct.unpack_from("<Q", content, start)
            found.append((start, struct.unpack_from(f"<{count}Q", content, start + 8)))
    return found


def test_damage_to_the_numbers_of_free_pages_is_found(sound, tmp_path):
    content, commit = sound
    start, numbers = max(free_lists(content, commit), key=lambda item: len(item[1]))
    assert len(numbers) > 2
    assert all(after < before for before, after in pairwise(numbers))
    used = {page for page, _ in pages_of(content, commit.values)}
    between = [page for page in used if numbers[-1] < page < numbers[0]]
    for position, value in (
        (0, len(numbers) + 2),
        (8, commit.last_page + 1),
        (8, numbers[1]),
        (8 * len(numbers), 1),
        (8 * len(numbers), commit.values.root if commit.values.root < numbers[-2] else 1),
        (8, max(between, default=numbers[1])),
    ):
        damaged = changed(content, start + position, "<Q", value)
        assert problem_of(tmp_path / "data", damaged, commit) == "all"
