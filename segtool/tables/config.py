"""Table of the configuration."""

from typing import Any

from rich import box
from rich.table import Table

from segtool.tables.console import console, print_line


def print_config(content: dict[str, Any]) -> None:
    """Print each setting with its value and its source."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    for heading in ("setting", "value", "from"):
        table.add_column(heading, overflow="fold")
    for setting in content["settings"]:
        table.add_row(setting["name"], _format(setting["value"]), setting["from"])
    console.print(table)
    print_line(content["file"] or "There is no segtool.toml. All options have their defaults.")


def _format(value: Any) -> str:  # noqa: ANN401
    if isinstance(value, list):
        return ", ".join(map(_format, value))
    return str(value).lower() if isinstance(value, bool) else str(value)
