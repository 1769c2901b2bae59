"""The packages that read some file formats; the extra `formats` installs them."""

from embedcache import UserError
from embedcache.packages import is_installed


def require(name: str, kind: str, package: str, *modules: str) -> None:
    """Check that a package that reads a file format is installed.

    Args:
        name: Name of the file, for the message.
        kind: Format of the file.
        package: Package that reads the format.
        *modules: Modules, each of which can read the format. By default, only the module with the
            name of the package.

    Raises:
        UserError: None of the modules is installed; the message says how to install the package.
    """
    if not any(map(is_installed, modules or (package,))):
        raise UserError(
            f"{name}: reading {kind} needs {package}: run pip install 'segtool[formats]'"
        )
