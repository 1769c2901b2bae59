"""The packages that read some file formats; the extra `formats` installs them."""

from importlib.util import find_spec

from embedcache import UserError


def require(name: str, kind: str, package: str, *modules: str) -> None:
    """Check that a package is installed, or another one that does the same.

    Args:
        name: Name of the file that cannot be read otherwise.
        kind: Format of the file.
        package: Package that reads it.
        *modules: Modules each of which can read it; none if the module is named like the package.

    Raises:
        UserError: None of them is installed; the message says how to install one.
    """
    if not any(map(is_installed, modules or (package,))):
        raise UserError(
            f"{name}: reading {kind} needs {package}: run pip install 'segtool[formats]'"
        )


def is_installed(module: str) -> bool:
    """Return whether a module can be imported, without importing it."""
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):  # its parent is missing, or it is blocked
        return False
