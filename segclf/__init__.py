"""Paragraph boundaries from cached sentence vectors.

Example:
    from segclf import TrainingOptions, Workspace, embed, evaluate, segment, train

    workspace = Workspace("work")
    embed("novels/", workspace)
    run = train(workspace, TrainingOptions(head="bilstm", window=4))
    print(evaluate(workspace, run).scores.f1)
    print(segment("雨が降っていた。彼は傘を忘れた。", workspace, run).paragraphs())

A model that comes with the package needs no workspace and no training:
    print(segment("雨が降っていた。「寒い」彼は傘を忘れた。").to_page())
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from segclf.corpus import Corpus, ReadOptions, read_corpus
    from segclf.estimator import BoundaryClassifier
    from segclf.tasks.embed import embed
    from segclf.tasks.evaluate import evaluate
    from segclf.tasks.export import export
    from segclf.tasks.segment import segment
    from segclf.tasks.train import train
    from segclf.training.options import TrainingOptions
    from segclf.workspace.runs import Run, load_run
    from segclf.workspace.workspace import Workspace

_MODULES = {
    "BoundaryClassifier": "segclf.estimator",
    "Corpus": "segclf.corpus",
    "ReadOptions": "segclf.corpus",
    "Run": "segclf.workspace.runs",
    "TrainingOptions": "segclf.training.options",
    "Workspace": "segclf.workspace.workspace",
    "embed": "segclf.tasks.embed",
    "evaluate": "segclf.tasks.evaluate",
    "export": "segclf.tasks.export",
    "load_run": "segclf.workspace.runs",
    "read_corpus": "segclf.corpus",
    "segment": "segclf.tasks.segment",
    "train": "segclf.tasks.train",
}
"""Module of each public name, which is imported on first use, because importing torch is slow."""

__all__ = [
    "BoundaryClassifier",
    "Corpus",
    "ReadOptions",
    "Run",
    "TrainingOptions",
    "Workspace",
    "embed",
    "evaluate",
    "export",
    "load_run",
    "read_corpus",
    "segment",
    "train",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401
    """Import a public name."""
    if name in _MODULES:
        return getattr(import_module(_MODULES[name]), name)
    raise AttributeError(f"module 'segclf' has no attribute {name!r}")


def __dir__() -> list[str]:
    """List the public names, which are not globals of this module."""
    return __all__
