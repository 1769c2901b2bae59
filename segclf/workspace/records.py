"""The record of a run, run.json or config.json: read, and checked before anything relies on it.

A folder with a model may come from elsewhere. Whatever its record holds, reading it ends in a
record whose fields have the types and ranges that are used later, or in a `UserError`.
"""

import json
import math
import re
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, get_args

from embedcache import UserError
from segclf.corpus import SPLITS
from segclf.experiments.grids import checked
from segclf.heads import Context
from segclf.inputs.windows import MAX_WINDOW

FORMAT = 1
KINDS = ("head", "cross-segment", "hierarchical")
MAX_DIM = 1 << 17  # numbers of a sentence vector
_FINGERPRINT = re.compile(r"[0-9a-f]{32}(\+[0-9a-f]{32})*")
_TEXTS = ("corpus", "corpus_digest", "sentence_rule", "device", "precision")
_COUNTS = ("epochs", "best_epoch", "parameters", "trainable_parameters")
_SECONDS = ("seconds_per_epoch", "seconds")
_TABLES = ("versions", "dev", "dev_at_half", "machine", "counts", "scores")


def read_record(path: Path) -> dict[str, Any]:
    """Read the record of a run.

    Raises:
        UserError: it cannot be read, or a field is missing, of the wrong type or out of range.
    """
    try:
        record = json.loads(path.read_text(encoding="utf-8"), parse_constant=_constant)
        _rename_old(record)
        _check(record)
    except OSError as error:
        raise UserError(f"{path}: {(error.strerror or str(error)).lower()}") from error
    except (ValueError, OverflowError, RecursionError) as error:
        reason = "it is no JSON" if isinstance(error, json.JSONDecodeError) else error
        raise UserError(
            f"{path} is damaged ({reason}): delete its folder, or copy it again from where it came"
        ) from error
    return dict(record)


def created_at(record: dict[str, Any]) -> datetime:
    """Return when a run was finished; records of early versions know it to the second."""
    created = datetime.fromisoformat(record.get("created", "1970-01-01"))
    return created if created.tzinfo else created.replace(tzinfo=timezone.utc)


def _constant(name: str) -> float:
    if name == "NaN":
        raise ValueError("it holds NaN")
    return float(name)


def _rename_old(record: Any) -> None:  # noqa: ANN401
    """Replace the names that earlier versions wrote into records."""
    if not isinstance(record, dict):
        return
    if "farthest" in record:
        record["clip_sigma"] = record.pop("farthest")
    options = record.get("options")
    if isinstance(options, dict) and options.get("context") == "document":
        renamed = {"bilstm": "document-bilstm"}
        head = str(options.get("head"))
        options["head"] = renamed.get(head, head)


def _check(record: Any) -> None:  # noqa: ANN401
    """Raise ValueError for a record that cannot be."""
    _expect(isinstance(record, dict), "it is no JSON object")
    _expect(record.get("format") == FORMAT, f"its format is not {FORMAT}; upgrade segtool?")
    _expect(record.get("kind", "head") in KINDS, f"its kind is none of {', '.join(KINDS)}")
    for name in _TEXTS:
        _expect(isinstance(record.get(name, ""), str), f"its {name} is no text")
    for name in _COUNTS:
        _expect(_is_count(record.get(name, 0)), f"its {name} is no whole number")
    for name in _SECONDS:
        _expect(_is_number(record.get(name, 0), 0), f"its {name} is no number of seconds")
    for name in _TABLES:
        _expect(isinstance(record.get(name, {}), dict), f"its {name} is no object")
    _expect(isinstance(record.get("created", ""), str), "its created is no time")
    created_at(record)
    _expect(isinstance(record.get("language") or "", str), "its language is no text")
    _expect(isinstance(record.get("collapsed", False), bool), "its collapsed is not true or false")
    _expect(_is_number(record.get("threshold"), 0, 1), "its threshold is no probability")
    _expect(_is_number(record.get("temperature", 1.0), 1e-9), "its temperature is not above 0")
    clip_sigma = record.get("clip_sigma", math.inf)
    _expect(clip_sigma == math.inf or _is_number(clip_sigma, 1e-9), "its clip_sigma is not above 0")
    dim = record.get("dim", 1)
    _expect(_is_count(dim) and 1 <= dim <= MAX_DIM, f"its dim is not 1 to {MAX_DIM}")
    _check_options(record.get("options"), record.get("kind", "head"))
    _check_figures(record)
    if record.get("encoder", {}) is not None:  # else a head on vectors of an unknown encoder
        _check_encoder(record.get("encoder"))
        _expect({"corpus", "sentence_rule"} <= record.keys(), "it names no corpus")
        train = record.get("counts", {}).get("train")
        _expect(train and train["sentences"] > train["documents"], "it has no counts of train")


def _check_options(options: Any, kind: str) -> None:  # noqa: ANN401
    _expect(isinstance(options, dict), "it has no options")
    _expect(isinstance(options.get("head"), str), "it names no head")
    window = options.get("window")
    in_range = window is None or (_is_count(window) and 1 <= window <= MAX_WINDOW)
    _expect(in_range, f"its window is not 1 to {MAX_WINDOW}")
    _expect(options.get("context", "window") in get_args(Context), "its context is unknown")
    for name, value in options.items():
        if kind == "head":
            checked(name, value)
        plain = value is None or isinstance(value, bool | str) or _is_number(value)
        _expect(plain, f"its {name} is no finite number")


def _check_encoder(encoder: Any) -> None:  # noqa: ANN401
    _expect(isinstance(encoder, dict), "its encoder is no object")
    _expect(encoder.keys() == {"name", "pooling", "fingerprint"}, "its encoder has other fields")
    _expect(isinstance(encoder["name"], str), "its encoder's name is no text")
    _expect(isinstance(encoder["pooling"] or "", str), "its encoder's pooling is no text")
    fingerprint = encoder["fingerprint"]
    hexadecimal = isinstance(fingerprint, str) and _FINGERPRINT.fullmatch(fingerprint)
    _expect(hexadecimal, "its encoder's fingerprint is not 32 hexadecimal digits")


def _check_figures(record: Mapping[str, Any]) -> None:
    """Check the tables of numbers that are printed and computed with."""
    figures = [record.get("dev", {}), record.get("dev_at_half", {})]
    figures += record.get("scores", {}).values()
    for table in figures:
        numbers = isinstance(table, dict) and all(
            isinstance(value, bool) or _is_number(value) for value in table.values()
        )
        _expect(numbers, "a score is no number")
    for split, counts in record.get("counts", {}).items():
        known = isinstance(counts, dict) and all(
            _is_count(counts.get(name)) for name in ("documents", "sentences", "boundaries")
        )
        _expect(split in SPLITS and known, "its counts are not those of splits")
    machine = record.get("machine", {})
    described = not machine or {"processor", "cores", "device"} <= machine.keys()
    _expect(described, "its machine is not described")


def _expect(met: Any, otherwise: str) -> None:  # noqa: ANN401
    if not met:
        raise ValueError(otherwise)


def _is_count(value: Any) -> bool:  # noqa: ANN401
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_number(value: Any, low: float = -math.inf, high: float = math.inf) -> bool:  # noqa: ANN401
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and math.isfinite(value) and low <= value <= high
