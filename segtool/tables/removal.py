"""Output of the commands that remove files: the removed files and their sizes."""

from typing import Any

from segtool.tables.console import format_count, format_size, print_line
from segtool.tables.store import print_garbage


def print_removed(content: dict[str, Any]) -> None:
    """Print each file or folder that was or would be removed, with its size."""
    action = "Removed" if content["removed"] else "Would remove"
    for item in content["paths"]:
        print_line(f"{action} {item['path']}: {format_size(item['bytes'])}")
    if len(content["paths"]) > 1:
        count = format_count(len(content["paths"]), "item")
        print_line(f"{action} {count}: {format_size(content['bytes'])}")


def print_cleaned(content: dict[str, Any]) -> None:
    """Print what `segtool clean` removed or would remove: files, and vectors."""
    if content["paths"]:
        print_removed(content)
    else:
        print_line("There are no files of interrupted commands.")
    if "store" in content:
        print_garbage(content["store"])
