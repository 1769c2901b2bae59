"""Tables of the store."""

from typing import Any

from segtool.tables.console import (
    console,
    describe_precisions,
    format_count,
    make_table,
    print_line,
)


def print_info(content: dict[str, Any]) -> None:
    """Print the stored vectors of each encoder."""
    table = make_table("encoder", "vectors", "stored as", "size", "computed in")
    for space in content["spaces"]:
        table.add_row(
            f"{space['encoder']} ({space['fingerprint'][:8]})",
            f"{space['rows']:,}",
            f"{space['dim']:,} {space['dtype']}",
            _megabytes(space["bytes"]),
            describe_precisions(space["precisions"]).removeprefix("computed in "),
        )
    console.print(table)
    print_line(f"{content['path']}: format {content['format']}, {_megabytes(content['bytes'])}")


def print_upgraded(content: dict[str, Any]) -> None:
    """Print what an upgrade changed."""
    if content["from"] == content["to"]:
        print_line(f"The store already has format {content['to']}.")
    else:
        print_line(
            f"Upgraded the store to format {content['to']}: "
            f"{format_count(content['values_rewritten'], 'value')} rewritten."
        )


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"
