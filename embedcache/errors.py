"""Errors that a user can correct."""


class UserError(ValueError):
    """An error that the user can correct; the message is one line with the remedy."""


class StoreError(UserError):
    """The store cannot be used: it is missing, damaged or read-only, or it lacks vectors."""


def reason_of(error: OSError) -> str:
    """Return the reason of an error of the operating system, such as "no space left on device"."""
    return (error.strerror or str(error)).lower()
