"""Versions of the formats of files in a workspace."""


class NewerFormatError(Exception):
    """A file was written by a newer version of segtool."""


def check_format(number: object, newest: int) -> None:
    """Check the version number in a file.

    Args:
        number: Format of the file.
        newest: Newest format that this version of segtool reads.

    Raises:
        ValueError: It is not a version number.
        NewerFormatError: The format is newer; the message tells the user to upgrade.
    """
    if type(number) is not int or number < 1:
        raise ValueError("its format is not a version number")
    if number > newest:
        raise NewerFormatError(
            f"has format {number}, but this version of segtool reads formats up to {newest}: "
            "upgrade segtool"
        )
