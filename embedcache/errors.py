"""The mistakes that a user can make and mend."""


class UserError(ValueError):
    """Something that the user can put right; its message is one line that says how."""


class StoreError(UserError):
    """The store cannot answer: nothing there, another encoder's space, a damaged block."""
