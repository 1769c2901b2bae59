"""Frozen dataclasses of settings whose types and ranges are checked by pydantic."""

import re
from collections.abc import Mapping
from functools import wraps
from typing import Any, TypeVar

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass
from typing_extensions import dataclass_transform

from embedcache import UserError

Settings = TypeVar("Settings")

_SUBJECT = re.compile(r"^\w+ should")  # "Input should be greater than 0"


@dataclass_transform(frozen_default=True)
def settings(cls: type[Settings]) -> type[Settings]:
    """Make a frozen dataclass that checks its values.

    The dataclass raises UserError for an unknown or missing setting, and for a value that has the
    wrong type or is out of range. Types and ranges are defined only in the annotations, so the
    command line, TOML files, the estimator and Python agree.
    """
    checked = dataclass(cls, frozen=True, config=ConfigDict(strict=True, extra="forbid"))
    initialize = checked.__init__

    @wraps(initialize)
    def __init__(self: Settings, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401, N807
        try:
            initialize(self, *args, **kwargs)
        except ValidationError as error:
            raise UserError(explain(error)) from error

    checked.__init__ = __init__  # type: ignore[method-assign, assignment]
    return checked  # type: ignore[return-value]


def validate(
    name: str,
    value: Any,  # noqa: ANN401
    types: Mapping[str, Any],
    *,
    from_text: bool = False,
) -> Any:  # noqa: ANN401
    """Check the value of one setting, and return it converted to the type of the setting.

    Args:
        name: Name of the setting.
        value: Value of the setting's type, or text if `from_text` is True.
        types: Annotations of the known settings by name.
        from_text: Whether the value is given as text, as on the command line.

    Raises:
        UserError: The setting is unknown, or the value has the wrong type or is out of range.
    """
    if name not in types:
        raise UserError(f"unknown setting {name!r}: choose from {', '.join(types)}")
    adapter = TypeAdapter(types[name])
    try:
        if from_text:
            return adapter.validate_strings(value)
        return adapter.validate_python(value, strict=True)
    except ValidationError as error:
        raise UserError(explain(error, name)) from error


def explain(error: ValidationError, parent: str | None = None) -> str:
    """Describe the first mistake in one line, such as "epochs: must be greater than 0, not -1".

    Args:
        error: Error raised by pydantic.
        parent: Name that precedes the name of the field; None for the name of the field alone.
    """
    first = error.errors(include_url=False)[0]
    if first["type"] == "unexpected_positional_argument":
        return f"unexpected positional argument {first['input']!r}: give each setting by its name"
    path = first["loc"] if parent is None else (parent, *first["loc"])
    name = ".".join(map(str, path)).replace("_", " ")
    if first["type"] == "value_error":  # raised by a validator of segtool
        message = first["msg"].removeprefix("Value error, ")
    elif first["type"] == "json_invalid":
        message = "it is not JSON"
    elif first["type"] == "unexpected_keyword_argument":
        message = "unknown setting"
    elif first["type"] == "missing":
        message = "missing value"
    else:
        message = f"{_SUBJECT.sub('must', first['msg'])}, not {first['input']!r}"
    return f"{name}: {message}" if name else message
