"""Records of the systems on unseen authors, and the values that the pages compute from them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from reports.authors import CRITERIA, LANGUAGES, Author, Criterion, Result, Task
from reports.peers.methods import METHODS, RECORDS, Method
from segclf.scoring.baselines import DESCRIPTIONS

Results = dict[Task, Result]
"""The result of a system for each task."""

RECORD = RECORDS / "unseen.json"  # of the models and the baselines
_TYPES = ("any", "paragraph", "line")  # in the order of the pages


@dataclass(frozen=True)
class Gain:
    """The model on an author, compared with the trivial baselines.

    Attributes:
        author: Author with the counts of the model.
        baseline: Highest F1 of a trivial baseline on the author.
    """

    author: Author
    baseline: float

    @property
    def value(self) -> float:
        """F1 of the model minus that of the best trivial baseline."""
        return self.author.f1 - self.baseline


@dataclass(frozen=True)
class Records:
    """Results by task; a task is a language and a type of boundary.

    Attributes:
        model: Results of the ready models.
        fast: Results of the fast ready models.
        complete: Results of the ready models on candidates that follow a complete sentence.
        baselines: Results of the trivial baselines by name.
        peers: Results of other methods, with the parameters that were chosen by each criterion.
            Results on other texts than those of the models are left out.
    """

    model: Results
    fast: Results
    complete: Results
    baselines: dict[str, Results]
    peers: dict[tuple[Method, Criterion], Results]

    @property
    def tasks(self) -> list[Task]:
        """The tasks in the order of the pages."""
        languages = list(LANGUAGES)
        return sorted(self.model, key=lambda t: (languages.index(t[0]), _TYPES.index(t[1])))

    def best_baseline(self, task: Task) -> float:
        """Return the highest F1 of a trivial baseline on the texts of all authors."""
        return max(results[task].scores["f1"] for results in self.baselines.values())

    def gains(self, task: Task) -> list[Gain]:
        """Compare the model with the trivial baselines on each author."""
        trivial = zip(*(results[task].authors for results in self.baselines.values()), strict=True)
        return [
            Gain(author, max(other.f1 for other in others))
            for author, others in zip(self.model[task].authors, trivial, strict=True)
        ]


def read_records() -> Records:
    """Read the record that `reports.unseen` wrote, and those of `reports.peers`."""
    content = json.loads(RECORD.read_text(encoding="utf-8"))
    by_name = {name: _by_task(rows) for name, rows in content.items()}
    model = by_name["model"]
    peers: dict[tuple[Method, Criterion], Results] = {}
    for method in METHODS:
        rows = json.loads(method.record.read_text("utf-8")) if method.record.exists() else []
        for criterion in CRITERIA:
            chosen = _by_task([row for row in rows if row["chosen_by"] == criterion])
            peers[method, criterion] = {
                task: result
                for task, result in chosen.items()
                if task in model and _texts_of(result) == _texts_of(model[task])
            }
    baselines = {name: by_name[name] for name in DESCRIPTIONS}
    return Records(model, by_name["fast"], by_name["complete"], baselines, peers)


def _texts_of(result: Result) -> list[tuple[str, int, int]]:
    """Return the names of the authors and the sizes of their texts, which identify the texts."""
    return [(author.name, author.sentences, author.true) for author in result.authors]


def _by_task(rows: Sequence[dict[str, Any]]) -> Results:
    results = (Result.from_dict(row) for row in rows)
    return {result.task: result for result in results}
