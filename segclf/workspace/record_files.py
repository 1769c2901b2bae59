"""Reading the records of runs, including those of earlier versions.

A model may come from another person, so its record is checked when it is read. After that, every
field has the type and the range that the other modules rely on.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from embedcache import UserError
from embedcache.errors import reason_of
from segclf.settings import explain
from segclf.training.options import TrainingOptions
from segclf.workspace.files import NewerFormatError, check_format, verify_checksum
from segclf.workspace.records import FORMAT, RunRecord

_ADAPTER = TypeAdapter(RunRecord)


def read_record(path: Path) -> RunRecord:
    """Read the record of a run.

    Raises:
        UserError: The file cannot be read, is not a JSON object, does not match its checksum or has
            a format newer than `FORMAT`, or a field is missing, has the wrong type or is out of
            range.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"), parse_constant=_parse_constant)
        if not isinstance(content, dict):
            raise ValueError("it is not a JSON object")
        # in JSON mode, strict types accept an object for a dataclass and an array for a tuple
        record = _ADAPTER.validate_json(json.dumps(_translate(dict(content))))
        verify_checksum(content)  # last, since the other messages are more precise
        return record
    except OSError as error:
        raise UserError(f"{path}: {reason_of(error)}") from error
    except NewerFormatError as error:
        raise UserError(f"{path} {error}") from error
    except (ValueError, OverflowError, RecursionError) as error:
        reason: object = error
        if isinstance(error, json.JSONDecodeError):
            reason = "it is not JSON"
        elif isinstance(error, ValidationError):
            reason = explain(error)
        raise UserError(
            f"{path} is damaged ({reason}): delete its folder, or copy it again from its source"
        ) from error


def complete_options(kind: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a fine-tuned run, with the option that early versions did not have.

    For all values of `sides`, early versions of the cross-segment system classified the hidden
    state of [CLS].

    Args:
        kind: Name of the fine-tuned system.
        options: Options by name, as in the record of the run.
    """
    return ({"pooling": "cls"} if kind == "cross-segment" else {}) | dict(options)


def _parse_constant(name: str) -> float:
    if name == "NaN":
        raise ValueError("it contains NaN")
    return float(name)


def _translate(content: dict[str, Any]) -> dict[str, Any]:
    """Translate the content of a record to the current format.

    Format 1 had an option `context` and called the reach of local-transformer its window.
    """
    check_format(content.get("format"), FORMAT)
    if "farthest" in content:  # name of clip_sigma in early versions
        content["clip_sigma"] = content.pop("farthest")
    if content.get("clip_sigma") == math.inf:
        content["clip_sigma"] = None
    if content.get("kind", "head") == "head":
        options = content.get("options")
        if not isinstance(options, dict) or not isinstance(options.get("head"), str):
            raise ValueError("options: the head is missing")
        if options.get("loss") != "focal":  # early records contain a gamma that had no effect
            options = {name: value for name, value in options.items() if name != "gamma"}
        content["options"] = asdict(TrainingOptions.from_settings(options))
    elif isinstance(content.get("options"), dict):
        content["options"] = complete_options(content["kind"], content["options"])
    return content | {"format": FORMAT}
