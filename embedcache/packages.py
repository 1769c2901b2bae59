"""Optional packages, which the extras of segtool install."""

from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

from embedcache.errors import UserError


def is_installed(module: str) -> bool:
    """Return whether a module can be imported, without importing more than its parent package."""
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):  # its parent is missing, or it has no specification
        return False


def package_folder(module: str) -> Path | None:
    """Return the folder of an installed package, without importing it.

    The result is None if the package is missing, or if it is a namespace package, which may have
    several folders.
    """
    found = find_spec(module)
    return Path(found.origin).parent if found and found.origin else None


def check_installed(purpose: str, extra: str, packages: Mapping[str, str]) -> None:
    """Check that packages are installed, without importing them.

    Args:
        purpose: What needs the packages, for the message.
        extra: Extra of segtool that installs the packages.
        packages: Dict from the module of each package to the name of the package.

    Raises:
        UserError: A package is missing; the message says how to install it.
    """
    missing = [package for module, package in packages.items() if not is_installed(module)]
    if missing:
        names = " and ".join(filter(None, (", ".join(missing[:-1]), missing[-1])))
        raise UserError(f"{purpose} needs {names}: run pip install 'segtool[{extra}]'")


def import_package(module: str, *submodules: str, missing: str) -> ModuleType:
    """Import a module and some of its submodules, and return the module.

    Args:
        module: Name of the module.
        *submodules: Full names of the submodules.
        missing: Message if one of them is not installed.

    Raises:
        UserError: One of them, or a module that it imports, is not installed.
    """
    try:
        for name in submodules:
            import_module(name)
        return import_module(module)
    except ModuleNotFoundError as error:
        raise UserError(missing) from error
