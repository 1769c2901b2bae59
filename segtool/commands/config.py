"""`segtool config`: the options whose defaults a configuration file sets, and the workspace."""

import os
from collections.abc import Iterator, Mapping
from typing import Any

from segtool.configuration import find_configuration, shared_workspace
from segtool.options import JsonOption
from segtool.output import show


def config(as_json: JsonOption = False) -> None:
    """Show the settings of segtool.toml, and the workspace.

    segtool.toml sets the defaults of options; so does the table [tool.segtool] of pyproject.toml.
    The file may be in the current folder or in a folder above it. The nearest file is used.

    Example: segtool config
    """
    from segclf.workspace.workspace import Workspace
    from segtool.tables.config import print_config

    found = find_configuration()
    name = found.path.name if found else None
    settings = dict(_flatten(found.table)) if found else {}
    settings.pop("workspace", None)
    configured = shared_workspace(found) if found else None
    source = name if configured else "default"
    if os.environ.get("SEGTOOL_HOME"):
        source, configured = "SEGTOOL_HOME", None
    workspace = {"name": "workspace", "value": str(Workspace(configured).path), "from": source}
    content = {
        "file": str(found.path) if found else None,
        "settings": [
            workspace,
            *({"name": key, "value": value, "from": name} for key, value in settings.items()),
        ],
    }
    show(content, print_config, as_json)


def _flatten(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the settings of a table and of the tables in it, with dotted names."""
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            yield prefix + key.replace("_", "-"), value
