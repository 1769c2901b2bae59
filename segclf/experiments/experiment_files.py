"""Experiment files: a corpus and grids of settings.

A setting of a grid is a value or a list of values:

    [corpus]
    path = "novels"          # relative to this file; other settings as in `segtool embed`
    boundary = "indent"

    [[grid]]
    head = ["mlp", "bilstm"]
    window = [2, 4]
    seed = [0, 1, 2]
"""

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal

from embedcache import UserError
from segclf.corpus import FormatName, ReadOptions
from segclf.experiments.grids import Trial, expand, unique
from segclf.settings import settings
from segclf.toml_files import read_toml
from segclf.workspace.encoders import DEFAULT_ENCODER


@settings
class CorpusSettings:
    """The corpus of an experiment, with the defaults of `segclf.tasks.embed.embed`.

    Attributes:
        path: File or folder of the text.
        name: Name of the corpus; None for the name of the file or folder.
        format: Format of the text; "auto" to detect it.
        split: Split for all documents, or shares of the splits; see `segclf.corpus.read_corpus`.
        options: Options for finding paragraphs and sentences.
    """

    path: str
    name: str | None = None
    format: Literal["auto", FormatName] = "auto"
    split: str | None = None
    options: ReadOptions = ReadOptions()


@dataclass(frozen=True)
class Experiment:
    """Content of an experiment file.

    Attributes:
        corpus: Corpus of all trials; None if there is no table [corpus].
        trials: Trials of all grids, or of the default grid if there is none, without duplicates.
    """

    corpus: CorpusSettings | None
    trials: list[Trial]


def read_experiment(path: Path) -> Experiment:
    """Read an experiment file.

    Raises:
        UserError: The file cannot be read or is not TOML, a table or a setting is unknown, the path
            of the corpus is missing, or a setting has the wrong type, is out of range or has no
            effect.
    """
    content = read_toml(path)
    unknown = content.keys() - {"corpus", "grid"}
    if unknown:
        raise UserError(
            f"{path}: unknown table {unknown.pop()!r}: the tables are [corpus] and [[grid]]"
        )
    try:
        return _experiment(content.get("corpus"), content.get("grid", [{}]), path.parent)
    except UserError as error:
        raise UserError(f"{path}: {error}") from error


def _experiment(table: Any, grids: Any, folder: Path) -> Experiment:  # noqa: ANN401
    """Make an experiment from the contents of [corpus] and [[grid]], whose types are checked."""
    if not isinstance(table, dict | None):
        raise UserError("[corpus] must be a table: write its name in single brackets")
    if not (isinstance(grids, list) and grids and all(isinstance(grid, dict) for grid in grids)):
        raise UserError("[[grid]] must be an array of tables: write its name in double brackets")
    corpus = None if table is None else _corpus_settings(table, folder)
    default = {"encoder": DEFAULT_ENCODER} if corpus else {}
    trials = unique(trial for grid in grids for trial in expand(default | grid))
    return Experiment(corpus, trials)


def _corpus_settings(table: dict[str, Any], folder: Path) -> CorpusSettings:
    """Make the settings from the table [corpus], whose path is relative to `folder`."""
    corpus_names = [field.name for field in fields(CorpusSettings) if field.name != "options"]
    reading_names = [field.name for field in fields(ReadOptions)]
    for name in table:
        if name not in corpus_names + reading_names:
            known = ", ".join(corpus_names + reading_names)
            raise UserError(f"unknown setting {name!r}: choose from {known}")
    if "path" not in table:
        raise UserError("[corpus] has no path: add the path of the text")
    options = ReadOptions(**{name: table[name] for name in reading_names if name in table})
    given = {name: table[name] for name in corpus_names if name in table}
    corpus = CorpusSettings(**given, options=options)
    return replace(corpus, path=str(folder / corpus.path))
