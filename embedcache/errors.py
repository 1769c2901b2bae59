"""Errors that a user can correct."""


class UserError(ValueError):
    """An error that the user can correct; the message is one line with the remedy."""


class StoreError(UserError):
    """The store cannot be used, for example because it is damaged, read-only or lacks vectors."""


def reason_of(error: OSError) -> str:
    """Return the reason of an error of the operating system, such as "no space left on device"."""
    return (error.strerror or str(error)).lower()
