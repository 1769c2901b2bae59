"""The packages that read some file formats; the extra `formats` installs them."""

from embedcache import UserError
from embedcache.packages import is_installed


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
