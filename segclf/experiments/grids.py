"""Grids of settings, from a file or the command line -> the trials that they mean.

An experiment file names a corpus and grids; every setting is one value or a list of them:

    [corpus]
    path = "novels"          # from the file's folder; the rest as in `segtool embed`
    boundary = "indent"

    [[grid]]
    head = ["mlp", "bilstm"]
    window = [2, 4]
    seed = [0, 1, 2]
"""

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from embedcache import UserError
from embedcache.encoders import Pooling
from segclf.corpus import ReadOptions
from segclf.training.options import TrainingOptions, check_gamma, resolve
from segclf.workspace.encoders import DEFAULT_ENCODER

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

DEFAULT_GRID: dict[str, list[Any]] = {
    "head": ["mlp", "bilstm", "transformer"],
    "seed": [0, 1, 2, 3, 4],
}

_WORDS = {int: "a whole number", float: "a number", str: "a word"}
_TYPES: dict[str, Any] = get_type_hints(TrainingOptions) | {
    "encoder": str | None,
    "pooling": Pooling | None,
}
_CORPUS_TYPES: dict[str, Any] = get_type_hints(ReadOptions) | dict.fromkeys(
    ("path", "name", "format", "split"), str
)


@dataclass(frozen=True)
class Trial:
    """One training of a grid.

    Attributes:
        options: how to train.
        encoder: that embedded the corpus, by name; None for the latest.
        pooling: of the encoder; None for its own, or the latest.
    """

    options: TrainingOptions
    encoder: str | None = None
    pooling: Pooling | None = None


@dataclass(frozen=True)
class Experiment:
    """What an experiment file says.

    Attributes:
        corpus: the settings of its table [corpus], `path` made absolute; empty without one.
        trials: of all its grids, each once.
    """

    corpus: dict[str, str]
    trials: list[Trial]


def read_experiment(path: Path) -> Experiment:
    """Read an experiment file.

    Raises:
        UserError: there is none, it is no TOML, or a setting is unknown or of the wrong type.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path}: {(error.strerror or str(error)).lower()}") from error
    except ValueError as error:  # not TOML, or not UTF-8
        raise UserError(f"{path}: {error}") from error
    unknown = content.keys() - {"corpus", "grid"}
    if unknown:
        raise UserError(f"{path}: no table {unknown.pop()!r}: it has [corpus] and [[grid]]")
    try:
        table, grids = content.get("corpus", {}), content.get("grid", [{}])
        if not isinstance(table, dict):
            raise UserError("write [corpus] as a table, in brackets")
        if not isinstance(grids, list) or not all(isinstance(grid, dict) for grid in grids):
            raise UserError("write [[grid]], in double brackets")
        corpus = _corpus_settings(table, path.parent)
        default = {"encoder": DEFAULT_ENCODER} if corpus else {}
        return Experiment(corpus, unique(t for grid in grids for t in expand(default | grid)))
    except UserError as error:
        raise UserError(f"{path}: {error}") from error


def expand(grid: Mapping[str, Any]) -> list[Trial]:
    """List the trials of a grid, each once; the last setting named changes first.

    Args:
        grid: values or lists of them by names of `TrainingOptions`, `encoder` and `pooling`. Heads
            and seeds that are not named are those of `DEFAULT_GRID`.

    Raises:
        UserError: a setting is unknown, of the wrong type, an empty list, or without effect.
    """
    lists = {
        name: [checked(name, value) for value in _listed(name, values)]
        for name, values in {**DEFAULT_GRID, **grid}.items()
    }
    if "focal" not in lists.get("loss", []):
        for gamma in lists.get("gamma", []):
            check_gamma("cross-entropy", gamma)
    seeds = lists.pop("seed")  # innermost: what belongs together is done together
    names = [*lists, "seed"]
    return unique(
        _trial(dict(zip(names, values, strict=True))) for values in product(*lists.values(), seeds)
    )


def select(trials: Sequence[Trial], wanted: Mapping[str, Sequence[Any]]) -> list[Trial]:
    """Keep the trials whose every named setting is among the wanted.

    Raises:
        UserError: there is none.
    """
    kept = [
        trial
        for trial in trials
        if all(settings_of(trial)[name] in values for name, values in wanted.items())
    ]
    if not kept:
        asked = ", ".join(f"{name} {values}" for name, values in wanted.items())
        raise UserError(f"no trial of the file has {asked}")
    return kept


def given_values(
    given: Mapping[str, str | None], others: Sequence[str] = ()
) -> dict[str, list[Any]]:
    """Read settings as they stand on the command line.

    Args:
        given: text by the setting's name, None where it was not given.
        others: texts like "patience=2,4".

    Raises:
        UserError: no such setting, or a value of the wrong type.
    """
    texts = {name: text for name, text in given.items() if text is not None}
    for other in others:
        name, equals, text = other.partition("=")
        if not equals:
            raise UserError(f"--set {other}: write it as NAME=VALUES, like patience=2,4")
        texts[name.replace("-", "_")] = text
    return {name: parse_values(name, text) for name, text in texts.items()}


def parse_values(name: str, text: str) -> list[Any]:
    """Read the values of a setting as they stand on the command line: 1,2,8 or 0-4.

    Raises:
        UserError: there is no such setting, or a value is of the wrong type.
    """
    kinds = _kinds(name)
    values: list[Any] = []
    for part in text.split(","):
        first, dash, last = part.partition("-")
        if int in kinds and dash and first.isdigit() and last.isdigit():
            values += range(int(first), int(last) + 1)
        else:
            values.append(checked(name, _number_or_text(part, kinds)))
    return values


def checked(name: str, value: Any, types: Mapping[str, Any] = _TYPES) -> Any:  # noqa: ANN401
    """Return a setting's value, a whole number as float where that is its type.

    Raises:
        UserError: there is no such setting, or the value is of the wrong type.
    """
    kinds = _kinds(name, types)
    if float in kinds and type(value) is int:
        return float(value)
    if type(value) in kinds or (isinstance(value, str) and value in kinds):  # a Literal's word
        return value
    words = sorted(_WORDS.get(kind, str(kind)) for kind in kinds - {NoneType})
    raise UserError(f"{name} {value!r}: expected {' or '.join(words)}")


def settings_of(trial: Trial) -> dict[str, Any]:
    """Return all settings of a trial by name."""
    return {**asdict(trial.options), "encoder": trial.encoder, "pooling": trial.pooling}


def unique(trials: Iterable[Trial]) -> list[Trial]:
    """Return each trial once, in order."""
    return list(dict.fromkeys(trials))


def _trial(settings: dict[str, Any]) -> Trial:
    encoder, pooling = settings.pop("encoder", None), settings.pop("pooling", None)
    return Trial(resolve(TrainingOptions(**settings)), encoder, pooling)


def _kinds(name: str, types: Mapping[str, Any] = _TYPES) -> set[Any]:
    """Return the types, and the words, that a setting may have."""
    if name not in types:
        raise UserError(f"no setting {name!r}: choose from {', '.join(types)}")
    hint = types[name]
    parts = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    words = [word for part in parts if get_origin(part) is Literal for word in get_args(part)]
    return {part for part in parts if isinstance(part, type)} | set(words)


def _number_or_text(text: str, kinds: set[Any]) -> Any:  # noqa: ANN401
    for kind in (int, float):
        if kind in kinds:
            try:
                return kind(text)
            except ValueError:
                pass
    return text


def _listed(name: str, values: Any) -> list[Any]:  # noqa: ANN401
    listed = values if isinstance(values, list) else [values]
    if not listed:
        raise UserError(f"{name} is an empty list: name a value")
    return listed


def _corpus_settings(table: dict[str, Any], folder: Path) -> dict[str, str]:
    for name, value in table.items():
        checked(name, value, _CORPUS_TYPES)
    if table and "path" not in table:
        raise UserError("[corpus] has no path: say where the text is")
    return {**table, "path": str(folder / table["path"])} if table else {}
