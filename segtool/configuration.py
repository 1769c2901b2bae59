"""Defaults of options that a user sets in segtool.toml, or in [tool.segtool] of pyproject.toml.

threads = 4              # for every command that has the option

[embed]
encoder = "e5-small:7+surface"
boundary = "indent"
"""

import math
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from embedcache import UserError
from segclf.toml_files import parse_toml, read_bytes, read_toml

SHARED = ("workspace", "device", "threads")
"""Options that may be set for all commands at once."""

_FILE = "segtool.toml"
_PROJECT = "pyproject.toml"
_NOT_CONFIGURABLE = (
    "help",
    "version",
    "install-completion",
    "show-completion",
    "quiet",
    "verbose",
    "json",
    "dry-run",
    "replace",
)
"""Options that a configuration file cannot set, because they apply to a single call."""

_STATED_DEFAULT = re.compile(r" *\[default: [^\]]*\]$")  # at the end of a help text

Defaults = dict[str, Any]
"""Values by parameter, and tables by command, in the form of `typer.Context.default_map`."""


@dataclass(frozen=True)
class Configuration:
    """The content of a configuration file.

    Attributes:
        path: Path of the file.
        table: Values by option, and tables by command, as in the file.
    """

    path: Path
    table: Mapping[str, Any]


def find_configuration(folder: Path | None = None) -> Configuration | None:
    """Read the configuration file in a folder or the nearest folder above it that has one.

    A pyproject.toml without the table [tool.segtool] does not count.

    Args:
        folder: Folder to begin with; None for the current folder.

    Returns:
        The configuration; None if there is no file, or if the current folder was removed.

    Raises:
        UserError: The file, or a pyproject.toml on the way, cannot be read or is not TOML.
    """
    try:
        start = Path(folder or os.getcwd()).absolute()
    except FileNotFoundError:  # the current folder was removed
        return None
    for parent in (start, *start.parents):
        if os.path.isfile(parent / _FILE):
            return Configuration(parent / _FILE, read_toml(parent / _FILE))
        if os.path.isfile(parent / _PROJECT):
            data = read_bytes(parent / _PROJECT)
            # a file without the word segtool is not parsed, since it need not be valid TOML
            table = parse_toml(parent / _PROJECT, data) if b"segtool" in data else {}
            tools = table.get("tool")
            if isinstance(tools, dict) and "segtool" in tools:
                return Configuration(parent / _PROJECT, tools["segtool"])
    return None


def workspaces_in(configuration: Configuration) -> list[Path]:
    """Return the workspaces that a configuration names, for all commands or for some."""
    return [
        _workspace_path(configuration.path, value)
        for value in _workspace_values(configuration.table)
    ]


def _workspace_values(table: Mapping[str, Any]) -> Iterator[str]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _workspace_values(value)
        elif key == "workspace" and isinstance(value, str):
            yield value


def shared_workspace(configuration: Configuration) -> Path | None:
    """Return the workspace that a configuration sets for all commands; None if it sets none."""
    value = configuration.table.get("workspace")
    return None if value is None else _workspace_path(configuration.path, str(value))


def _workspace_path(file: Path, value: str) -> Path:
    """Return the path of a workspace, given a configuration file and the value in it."""
    return Path(os.path.normpath(file.parent / os.path.expanduser(value)))


def make_defaults(configuration: Configuration, command: Any) -> Defaults:  # noqa: ANN401
    """Return the defaults that a configuration sets, for `typer.Context.default_map`.

    A relative path of a workspace is resolved against the folder of the file. If SEGTOOL_HOME is
    set, the workspace in the file is ignored.

    Args:
        configuration: Configuration.
        command: Command of the whole application; see `typer.main.get_command`. The original
            defaults are removed from the help texts of the options that the file sets.

    Raises:
        UserError: [tool.segtool] is not a table, a command or an option is unknown, an option
            cannot be set for all commands, or a value has the wrong type.
    """
    table, path = configuration.table, configuration.path
    if not isinstance(table, dict):
        raise UserError(f"{path}: tool.segtool must be a table")
    tables = {key: value for key, value in table.items() if isinstance(value, dict)}
    shared = {key.replace("_", "-"): value for key, value in table.items() if key not in tables}
    for key in shared:
        if key not in SHARED:
            raise _unknown_for_all(path, key, command)
    return _defaults_of(command, tables, shared, path)


def _defaults_of(
    command: Any,  # noqa: ANN401
    table: Mapping[str, Any],
    shared: Mapping[str, Any],
    path: Path,
) -> Defaults:
    """Return the defaults of a command and its subcommands."""
    options = dict(configurable(command))
    commands = getattr(command, "commands", {})
    values = {key: value for key, value in shared.items() if key in options}
    tables = {}
    for key, value in table.items():
        name = key.replace("_", "-")
        if isinstance(value, dict) and key in commands:
            tables[key] = value
        elif isinstance(value, dict):
            raise _unknown(path, key, "command", commands)
        elif name in options:
            values[name] = value
        else:
            raise _unknown(path, key, f"option of segtool {command.name}", options)
    defaults: Defaults = {}
    for name, value in values.items():
        option = options[name]
        value = _checked(option, name, value, path)
        if name == "workspace":
            if os.environ.get("SEGTOOL_HOME"):
                continue
            value = str(_workspace_path(path, str(value)))
        defaults[option.name] = value
        option.help = _STATED_DEFAULT.sub("", option.help)  # the new default is shown instead
    for name, subcommand in commands.items():
        defaults[name] = _defaults_of(subcommand, tables.get(name, {}), shared, path)
    return defaults


def configurable(command: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401
    """Yield the name, such as "batch-size", and the parameter of each option that a file may set.

    The options of subcommands are not included.
    """
    for parameter in command.params:
        if parameter.param_type_name == "option" and not parameter.hidden:
            name = next(flag for flag in parameter.opts if flag.startswith("--"))[2:]
            if name not in _NOT_CONFIGURABLE:
                yield name, parameter


def _checked(option: Any, key: str, value: Any, path: Path) -> Any:  # noqa: ANN401
    """Return a value after checking its type; its range is checked when the command runs."""
    if option.is_flag:
        fits, wanted = isinstance(value, bool), "true or false"
    elif option.multiple:
        fits, wanted = isinstance(value, list), "an array"
    else:
        fits = isinstance(value, str | int | float) and not isinstance(value, bool)
        wanted = "a string or a number"
    if isinstance(value, float) and not math.isfinite(value):
        fits, wanted = False, "a finite number"
    if not fits:
        raise UserError(f"{path}: {key} must be {wanted}, not {value!r}")
    return value


def _unknown_for_all(path: Path, key: str, command: Any) -> UserError:  # noqa: ANN401
    owners = [
        name
        for name, subcommand in command.commands.items()
        if key in dict(configurable(subcommand))
    ]
    if owners:
        return UserError(
            f"{path}: {key} cannot be set for all commands: write it below [{owners[0]}]"
        )
    return _unknown(path, key, "option for all commands", SHARED)


def _unknown(path: Path, key: str, what: str, known: Any) -> UserError:  # noqa: ANN401
    close = get_close_matches(key.replace("_", "-"), list(known), n=1)
    hint = f"did you mean {close[0]}?" if close else f"choose from {', '.join(known)}"
    return UserError(f"{path}: unknown {what} {key!r}: {hint}")
