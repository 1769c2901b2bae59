"""Tables of the store."""

from typing import Any

from segtool.tables.console import (
    console,
    describe_precisions,
    format_count,
    format_size,
    make_table,
    print_line,
)

_COMPACT_HINT = "The file keeps its size until you run segtool store compact."


def print_info(content: dict[str, Any]) -> None:
    """Print the stored vectors and the corpora of each encoder, and the size of the file."""
    table = make_table("encoder", "vectors", "stored as", "size", "computed in")
    for space in content["spaces"]:
        table.add_row(
            _name(space),
            f"{space['rows']:,}",
            f"{space['dim']:,} {space['dtype']}",
            format_size(space["bytes"]),
            describe_precisions(space["precisions"]).removeprefix("computed in "),
        )
    console.print(table)
    for space in content["spaces"]:
        print_line(f"{_name(space)}: {_users(space['corpora'])}")
    if content["texts"]:
        size = format_size(content["bytes_of_texts"])
        print_line(f"{format_count(content['texts'], 'text')} kept, {size}")
    print_line(
        f"{content['path']}: format {content['format']}, {format_size(content['bytes'])}, of which "
        f"{format_size(content['bytes_used'])} are in use and {format_size(content['bytes_free'])} "
        "are free"
    )


def print_upgraded(content: dict[str, Any]) -> None:
    """Print what an upgrade changed."""
    if content["from"] == content["to"]:
        print_line(f"The store already has format {content['to']}.")
    else:
        print_line(
            f"Upgraded the store to format {content['to']}: "
            f"{format_count(content['values_rewritten'], 'value')} rewritten."
        )


def print_verified(content: dict[str, Any]) -> None:
    """Print the number of damaged values of each encoder, and then all damage."""
    table = make_table("encoder", "vectors", "size", "damaged values")
    for space in content["spaces"]:
        numbers = (
            f"{space['rows']:,}",
            format_size(space["bytes"]),
            f"{space['damaged_values']:,}",
        )
        table.add_row(_name(space), *numbers)
    console.print(table)
    if content["texts"]:
        print_line(f"Texts with the correct id: {content['texts']:,}")
    _print_damage(content)
    if content["sound"]:
        print_line("The store is sound.")
    else:
        count = format_count(len(content["damage"]), "value")
        print_line(f"{count} damaged: run segtool store repair", style="bold red")


def print_repaired(content: dict[str, Any]) -> None:
    """Print what was damaged, and how many vectors must be computed again."""
    if not content["damage"]:
        print_line("The store is sound. It was not changed.")
        return
    _print_damage(content)
    table = make_table("encoder", "vectors kept", "size", "vectors lost")
    for space in content["spaces"]:
        numbers = (
            f"{space['rows']:,}",
            format_size(space["bytes"]),
            f"{space['sentences_lost']:,}",
        )
        table.add_row(_name(space), *numbers)
    console.print(table)
    lost = sum(space["sentences_lost"] for space in content["spaces"])
    if lost:
        print_line(
            f"{format_count(lost, 'vector')} must be computed again: run segtool embed on the "
            "corpora"
        )
    else:
        print_line("No vector was lost.")


def print_backup(content: dict[str, Any]) -> None:
    """Print the paths of the store and of its copy, and the size of the copy."""
    print_line(f"Copied {content['path']} to {content['backup']}: {format_size(content['bytes'])}")


def print_compacted(content: dict[str, Any]) -> None:
    """Print the size of the file before and after."""
    before, after = (format_size(content[name]) for name in ("bytes_before", "bytes_after"))
    print_line(f"Compacted {content['path']} from {before} to {after}")


def print_garbage(content: dict[str, Any]) -> None:
    """Print what was or would be removed from the store."""
    action = "Removed" if content["removed"] else "Would remove"
    for space in content["spaces"]:
        used = f" ({_users(space['corpora'])})" if space["corpora"] else ""
        print_line(f"{action} all vectors of {_name(space)}: {_amount(space)}{used}")
    for space in content["vectors"]:
        print_line(f"{action} vectors of {_name(space)} that no corpus uses: {_amount(space)}")
    if content["bytes_unreachable"]:
        size = format_size(content["bytes_unreachable"])
        print_line(f"{action} values whose encoder is unknown because of damage: {size}")
    if content["texts"]:
        count = format_count(content["texts"], "text")
        print_line(f"{action} {count} of sentences that are in no corpus")
    is_rewritten = content["vectors"] or content["texts"]
    if not (content["spaces"] or is_rewritten or content["bytes_unreachable"]):
        print_line("There is nothing to remove.")
    elif content["removed"] and not is_rewritten:
        print_line(_COMPACT_HINT)


def print_exported(content: dict[str, Any]) -> None:
    """Print what was exported."""
    print_line(
        f"Exported {_name(content)} to {content['out']}: {_amount(content)}, "
        f"{content['dim']:,} {content['dtype']}"
    )


def print_merged(content: dict[str, Any]) -> None:
    """Print how many vectors were merged."""
    for space in content["spaces"]:
        print_line(
            f"{_name(space)}: {format_count(space['vectors_added'], 'vector')} added from "
            f"{format_count(space['shards'], 'shard')}; the store has {_amount(space)}"
        )


def _print_damage(content: dict[str, Any]) -> None:
    for damage in content["damage"]:
        print_line(_describe_damage(damage))
    if content["bytes_unreachable"]:
        print_line(
            f"{format_size(content['bytes_unreachable'])} belong to no encoder, because a "
            "description was lost: segtool store gc --unused removes them"
        )


_RESTORED = {
    "header": "The header of the store is damaged but can be restored.",
    "commits": "The record of the last commits is damaged but can be restored.",
    "pages": "The list of free pages, or another page of LMDB, is damaged but can be restored.",
}


def _describe_damage(damage: dict[str, Any]) -> str:
    if damage["part"] in _RESTORED:
        return _RESTORED[damage["part"]]
    if damage["part"] == "texts":
        return _describe_damaged_texts(damage)
    if damage["encoder"] is None:
        return f"A value that belongs to no encoder is damaged ({damage['part']})."
    name = _name(damage)
    if damage["part"] == "description":
        return f"{name}: the description is damaged but can be restored."
    first, last = damage["rows"]
    where = f"{name}: {damage['part']} of rows {first:,} to {last:,}"
    if not damage["sentences"]:
        return f"{where}: the key is damaged but can be restored."
    return f"{where}: {format_count(damage['sentences'], 'sentence')} lost"


def _describe_damaged_texts(damage: dict[str, Any]) -> str:
    if damage["sentences"]:
        what = f"{format_count(damage['sentences'], 'text')} with the id of another sentence"
    else:
        what = "A value with texts is damaged"
    return f"{what}: run segtool embed --keep-text to store the texts again"


def _name(space: dict[str, Any]) -> str:
    return f"{space['encoder']} ({space['fingerprint'][:8]})"


def _users(corpora: list[str]) -> str:
    return f"used by {', '.join(corpora)}" if corpora else "used by no corpus"


def _amount(space: dict[str, Any]) -> str:
    return f"{format_count(space['rows'], 'vector')}, {format_size(space['bytes'])}"
