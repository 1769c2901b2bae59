"""The packages that read some file formats; the extra `formats` installs them."""

from embedcache.packages import check_installed


def require(name: str, kind: str, package: str, module: str | None = None) -> None:
    """Check that the package that reads a file is installed.

    Args:
        name: Name of the file.
        kind: Format of the file.
        package: Package that reads it.
        module: Module of the package; None if it has the name of the package.

    Raises:
        UserError: The package is not installed; the message says how to install it.
    """
    check_installed(f"{name}: reading {kind}", "formats", {module or package: package})
