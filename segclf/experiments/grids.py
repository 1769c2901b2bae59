"""Grids of settings and their trials."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from itertools import product
from typing import Any, get_args, get_type_hints

from embedcache import UserError
from embedcache.encoders import Pooling
from segclf.settings import validate
from segclf.training.options import TrainingOptions, check_gamma

DEFAULT_GRID: dict[str, list[Any]] = {
    "head": ["mlp", "bilstm", "transformer"],
    "seed": [0, 1, 2, 3, 4],
}

_TRAINING_HINTS = get_type_hints(TrainingOptions, include_extras=True)
_RANGE = re.compile(r"(\d+)-(\d+)")
_TYPES: dict[str, Any] = {
    **{field.name: _TRAINING_HINTS[field.name] for field in fields(TrainingOptions)},
    **TrainingOptions.deprecated_options,
    "encoder": str | None,
    "pooling": Pooling | None,
}


@dataclass(frozen=True)
class Trial:
    """One combination of settings in a grid.

    Attributes:
        options: Training options.
        encoder: Name of the encoder that computed the vectors; None for the latest.
        pooling: Pooling of the encoder; None to choose it as described in
            `segclf.workspace.corpora.StoredCorpus.encoder`.
    """

    options: TrainingOptions
    encoder: str | None = None
    pooling: Pooling | None = None


def expand(grid: Mapping[str, Any]) -> list[Trial]:
    """List the trials of a grid without duplicates. The seed varies fastest.

    Args:
        grid: Values or lists of values by setting name. The settings are the options in
            `TrainingOptions`, `encoder` and `pooling`. The default heads and seeds are those in
            `DEFAULT_GRID`.

    Raises:
        UserError: A setting is unknown, has no effect or is an empty list, or a value has the wrong
            type or is out of range.
    """
    lists = {
        name: [validate(name, value, _TYPES) for value in _as_list(name, values)]
        for name, values in {**DEFAULT_GRID, **grid}.items()
    }
    if "focal" not in lists.get("loss", []):
        for gamma in lists.get("gamma", []):
            check_gamma("cross-entropy", gamma)
    seeds = lists.pop("seed")  # last, so that the trials of a system are adjacent
    names = [*lists, "seed"]
    return unique(
        _trial(dict(zip(names, values, strict=True))) for values in product(*lists.values(), seeds)
    )


def select(trials: Sequence[Trial], wanted: Mapping[str, Sequence[Any]]) -> list[Trial]:
    """Return the trials whose settings are among the wanted values.

    Args:
        trials: Trials of an experiment file.
        wanted: Wanted values by setting name.

    Raises:
        UserError: There is no such trial.
    """
    kept = [
        trial
        for trial in trials
        if all(_selectable_settings(trial)[name] in values for name, values in wanted.items())
    ]
    if not kept:
        description = " and ".join(
            f"{name} {' or '.join(map(str, values))}" for name, values in wanted.items()
        )
        raise UserError(f"no trial in the file has {description}: choose values from the file")
    return kept


def given_values(
    given: Mapping[str, str | None], others: Sequence[str] = ()
) -> dict[str, list[Any]]:
    """Parse settings given on the command line.

    Args:
        given: Text of each setting by name; None if it was not given.
        others: Other settings as text, such as "patience=2,4".

    Returns:
        Lists of values by setting name.

    Raises:
        UserError: A setting is unknown or is given twice, one of `others` has no "=", or a value
            has the wrong type or is out of range.
    """
    texts = {name: text for name, text in given.items() if text is not None}
    for other in others:
        name, equals, text = other.partition("=")
        if not equals:
            raise UserError(f"--set {other}: write NAME=VALUES, such as patience=2,4")
        name = name.replace("-", "_")
        if name in texts:
            raise UserError(f"{name} is set twice: give all of its values once")
        texts[name] = text
    return {name: parse_values(name, text) for name, text in texts.items()}


def parse_values(name: str, text: str) -> list[Any]:
    """Parse the values of a setting, such as 1,2,8 or 0-4.

    Raises:
        UserError: The setting is unknown, or a value has the wrong type or is out of range.
    """
    values: list[Any] = []
    for part in text.split(","):
        bounds = _RANGE.fullmatch(part)
        if bounds and _is_integer(name):
            numbers = range(int(bounds[1]), int(bounds[2]) + 1)
            values += [validate(name, number, _TYPES) for number in numbers]
        else:
            values.append(validate(name, part, _TYPES, from_text=True))
    return values


def _is_integer(name: str) -> bool:
    hint = get_type_hints(TrainingOptions).get(name)
    return int in (hint, *get_args(hint))


def settings_of(trial: Trial) -> dict[str, Any]:
    """Return all settings of a trial by name."""
    return {**asdict(trial.options), "encoder": trial.encoder, "pooling": trial.pooling}


def _selectable_settings(trial: Trial) -> dict[str, Any]:
    """Return the settings by which a trial can be selected.

    They include the deprecated option `context`. As in earlier versions, the window of
    local-transformer is its reach.
    """
    values = settings_of(trial)
    window = values["window"] if values["reach"] is None else values["reach"]
    return values | {"context": trial.options.context, "window": window}


def unique(trials: Iterable[Trial]) -> list[Trial]:
    """Return the trials without duplicates, in the same order."""
    return list(dict.fromkeys(trials))


def _trial(values: dict[str, Any]) -> Trial:
    encoder, pooling = values.pop("encoder", None), values.pop("pooling", None)
    if values.get("loss") != "focal":
        values.pop("gamma", None)  # gamma affects only trials with the focal loss
    return Trial(TrainingOptions.from_settings(values), encoder, pooling)


def _as_list(name: str, values: Any) -> list[Any]:  # noqa: ANN401
    listed = values if isinstance(values, list) else [values]
    if not listed:
        raise UserError(f"{name} is an empty list: give at least one value")
    return listed
