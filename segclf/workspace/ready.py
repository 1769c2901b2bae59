"""Ready models: models that come with segtool, trained on works of many authors.

models/NAME/model.json  languages, description and thresholds, with a checksum
models/NAME/TYPE/       exported run of the head for "any" or "paragraph"
models/NAME/README.md   model card

A model of typed boundaries distinguishes paragraphs from lines of dialogue. Such a model has two
binary heads, as in Frank and Hall (2001), "A Simple Approach to Ordinal Classification": the first
predicts whether a sentence begins a paragraph or a line, the second whether it begins a paragraph.
If the second head predicts a paragraph, there is a boundary, whatever the first head predicts.
"""

import json
import os
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from embedcache import UserError
from segclf.corpus import BoundaryType
from segclf.settings import explain
from segclf.workspace.corpora import EncoderReference
from segclf.workspace.files import verify_checksum
from segclf.workspace.runs import Run, read_run

MODELS = Path(__file__).parent.parent / "models"
MODEL = "model.json"
Probability = Annotated[float, Field(ge=0, le=1)]
_REMEDY = "install segtool again, or copy the model again from its source"


@dataclass(frozen=True)
class ReadyModel:
    """A model that comes with the package.

    Attributes:
        path: Folder of the model.
        description: Description of the training data.
        languages: Codes (ISO 639-1) of the languages that the model was trained on.
        runs: Run of the head for each type of boundary: "any" and, in a model of typed boundaries,
            "paragraph". All heads read vectors from the same encoder.
        thresholds: Thresholds by type of boundary and language. They were chosen on dev, for all
            heads together.
        is_fast: Whether the model is for `segment --fast`, because its encoder is fast.
    """

    path: Path
    description: str
    languages: tuple[str, ...]
    runs: dict[BoundaryType, Run]
    thresholds: dict[BoundaryType, dict[str, float]] = field(default_factory=dict)
    is_fast: bool = False

    def threshold(self, boundary_type: BoundaryType, language: str) -> float:
        """Return the threshold of a head for a language; by default, that of the head's run."""
        by_language = self.thresholds.get(boundary_type, {})
        return by_language.get(language, self.runs[boundary_type].threshold)

    def thresholds_for(self, language: str) -> dict[BoundaryType, float]:
        """Return the threshold of each head in `runs` for a language."""
        return {name: self.threshold(name, language) for name in self.runs}

    @property
    def name(self) -> str:
        """Name of the model, which is the name of its folder."""
        return self.path.name

    @property
    def encoder(self) -> EncoderReference:
        """Encoder that computes the vectors."""
        return self.runs["any"].encoder

    @property
    def is_typed(self) -> bool:
        """Whether the model distinguishes paragraphs from lines of dialogue."""
        return "paragraph" in self.runs

    def to_dict(self) -> dict[str, Any]:
        """Return the content of `segtool models --json` for this model."""
        return {
            "name": self.name,
            "description": self.description,
            "languages": list(self.languages),
            "encoder": self.encoder.name,
            "fast": self.is_fast,
            "types": {
                name: {
                    "head": run.record.head,
                    "threshold": run.threshold,
                    "thresholds": self.thresholds.get(name, {}),
                    "parameters": run.record.parameters,
                    "scores": run.record.scores,
                }
                for name, run in self.runs.items()
            },
            "bytes": sum(file.stat().st_size for file in self.path.rglob("*") if file.is_file()),
            "path": str(self.path),
        }


def list_models() -> list[ReadyModel]:
    """Read the ready models, ordered by name.

    Raises:
        UserError: A model is damaged.
    """
    return [_read(path.parent) for path in sorted(MODELS.glob(f"*/{MODEL}"))]


def load_ready_model(name: str) -> ReadyModel:
    """Read a ready model.

    Args:
        name: Name of the model, or path of its folder.

    Raises:
        UserError: There is no such model, or it is damaged.
    """
    if model := find_model(name):
        return model
    known = ", ".join(model.name for model in list_models())
    raise UserError(f"no model {name!r}: the ready models are {known}")


def find_model(name: str) -> ReadyModel | None:
    """Read a ready model; return None if there is none. See `load_ready_model`.

    Raises:
        UserError: The model is damaged.
    """
    for path in (MODELS / name, Path(name)):
        if os.path.isfile(path / MODEL):  # unlike Path.is_file, it accepts a name of any length
            return _read(path.resolve())
    return None


def model_for(language: str, *, fast: bool = False) -> ReadyModel | None:
    """Return the ready model for a language.

    Args:
        language: Code (ISO 639-1) of the language.
        fast: Whether to return the fast model.

    Returns:
        The model; None if no such model was trained on the language.

    Raises:
        UserError: A model is damaged.
    """
    models = (model for model in list_models() if model.is_fast == fast)
    return next((model for model in models if language in model.languages), None)


@dataclass(frozen=True)
class _Content:
    """Content of model.json."""

    description: str
    languages: tuple[str, ...]
    types: tuple[BoundaryType, ...]
    thresholds: dict[BoundaryType, dict[str, Probability]] = field(default_factory=dict)
    fast: bool = False


_ADAPTER = TypeAdapter(_Content)


@cache
def _read(path: Path) -> ReadyModel:
    try:
        data = (path / MODEL).read_bytes()
        content = _ADAPTER.validate_json(data)
        verify_checksum(json.loads(data))
    except ValueError as error:
        reason = explain(error) if isinstance(error, ValidationError) else error
        raise UserError(f"{path / MODEL} is damaged ({reason}): {_REMEDY}") from error
    runs = {name: run for name in content.types if (run := read_run(path / name))}
    missing = [name for name in ("any", *content.types) if name not in runs]
    if missing:
        raise UserError(f"the model {path} has no head for the type {missing[0]}: {_REMEDY}")
    fingerprints = {run.record.identity.fingerprint for run in runs.values()}
    if None in fingerprints or len(fingerprints) > 1:
        raise UserError(f"the heads of the model {path} do not have the same encoder: {_REMEDY}")
    return ReadyModel(
        path, content.description, content.languages, runs, content.thresholds, content.fast
    )
