"""The tables of the pages about unseen authors."""

from collections.abc import Sequence

from reports.authors import LANGUAGES, Criterion, Result, Task, interval, pooled_f1
from reports.markdown import NOT_RUN, table
from reports.unseen_records import Records
from segclf.scoring.baselines import DESCRIPTIONS

WORST = 10
FAST = "segtool, fast models"
TARGET = 0.95  # the share of authors on whom the model should be better than the trivial baselines
TARGETS: dict[Task, float] = {
    ("ja", "any"): 0.78,
    ("ja", "paragraph"): 0.60,
    ("en", "any"): 0.85,
    ("fr", "any"): 0.83,
    ("de", "any"): 0.77,
    ("es", "any"): 0.85,
}
"""F1 that the models should reach; set before they were trained."""


def summary(records: Records, *, details: bool = False) -> str:
    """Return the table of the scores of the models, by language and type.

    Args:
        records: Results of the systems.
        details: Whether to add the column "complete".
    """
    rows = []
    for task in records.tasks:
        result, gains = records.model[task], records.gains(task)
        low, high = interval(result.authors)
        better = sum(gain.value > 0 for gain in gains)
        rows.append(
            [
                *names(task),
                str(len(gains)),
                f"{result.scores['f1']:.3f}",
                f"{TARGETS[task]:.2f}" if task in TARGETS else "",
                f"{low:.3f} to {high:.3f}",
                *([f"{records.complete[task].scores['f1']:.3f}"] if details else []),
                f"{records.best_baseline(task):.3f}",
                f"{better} of {len(gains)} ({better / len(gains):.0%})",
                f"{result.scores['pk']:.3f}",
                f"{result.scores['window_diff']:.3f}",
            ]
        )
    complete = ["complete"] if details else []
    columns = ["language", "type", "authors", "F1", "target", "95% interval", *complete]
    return table([*columns, "baseline", "better", "Pk", "WD"], rows)


def share_better(records: Records) -> str:
    """Return a sentence on the number of authors on whom the models are better."""
    gains = [gain for task in records.tasks if task[1] == "any" for gain in records.gains(task)]
    better = sum(gain.value > 0 for gain in gains)
    return (
        f"For boundaries of type `any`, the models are better than every trivial baseline on "
        f"{better} of {len(gains)} authors ({better / len(gains):.0%}). "
        f"The target is {TARGET:.0%}.\n"
    )


def missed_targets(records: Records) -> str:
    """Return a sentence on each language and type in which the model misses its target.

    The author with the smallest gain is named, with the F1 on the others.
    """
    sentences = []
    for task in (task for task in records.tasks if task in TARGETS):
        missing = TARGETS[task] - records.model[task].scores["f1"]
        if missing > 0:
            worst = min(records.gains(task), key=lambda gain: gain.value)
            others = [a for a in records.model[task].authors if a.name != worst.author.name]
            language, boundary_type = names(task)
            sentences.append(
                f"In {language}, the F1 for boundaries of type `{boundary_type}` misses its target "
                f"by {missing:.3f}. Without {worst.author.name}, for whom "
                f"{worst.author.true / worst.author.sentences:.0%} of the candidates are "
                f"boundaries, it would be {pooled_f1(others):.3f}.\n"
            )
    return "".join(sentences)


def systems(records: Records, criterion: Criterion) -> str:
    """Return a table with one score of every system, for each language and type.

    Args:
        records: Results of the systems.
        criterion: Criterion by which the parameters were chosen; for "pk", the score is Pk, and for
            the others F1.
    """
    shown = "pk" if criterion == "pk" else "f1"
    named = {"**segtool**": records.model, FAST: records.fast}
    named |= {DESCRIPTIONS[name]: results for name, results in records.baselines.items()}
    named |= {
        m.name: results for (m, chosen), results in records.peers.items() if chosen == criterion
    }
    rows = [
        [
            name,
            *(
                f"{results[task].scores[shown]:.3f}" if task in results else NOT_RUN
                for task in records.tasks
            ),
        ]
        for name, results in named.items()
    ]
    columns = [", ".join(names(t)) if t[0] == "ja" else names(t)[0] for t in records.tasks]
    return table(["system", *columns], rows)


def details(records: Records, task: Task) -> str:
    """Return the table of all scores of every system for one language and type."""
    rows = [
        ["**segtool**", *_scores(records.model[task]), ""],
        [FAST, *_scores(records.fast[task]), ""],
    ]
    for name, results in records.baselines.items():
        rows.append([DESCRIPTIONS[name], *_scores(results[task]), ""])
    for (method, criterion), results in records.peers.items():
        tuned = {"f1": "for F1", "pk": "for Pk", "count": "for the number of boundaries"}[criterion]
        if task in results:
            parameters = results[task].parameters.items()
            given = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in parameters)
            rows.append([f"{method.name}, tuned {tuned}", *_scores(results[task]), given])
    columns = ("system", "P", "R", "F1", "95% interval", "Pk", "WD", "parameters")
    return table(columns, rows)


def _scores(result: Result) -> list[str]:
    low, high = interval(result.authors)
    precision, recall, f1, pk, window_diff = (f"{value:.3f}" for value in result.scores.values())
    return [precision, recall, f1, f"{low:.3f} to {high:.3f}", pk, window_diff]


def worst(records: Records, tasks: Sequence[Task]) -> str:
    """Return the table of the `WORST` authors with the smallest gain in some tasks."""
    gains = sorted((g for task in tasks for g in records.gains(task)), key=lambda gain: gain.value)
    rows = [
        [
            gain.author.name,
            f"{gain.author.sentences:,}",
            f"{gain.author.true:,}",
            f"{gain.author.f1:.3f}",
            f"{gain.baseline:.3f}",
            f"{gain.value:+.3f}",
        ]
        for gain in gains[:WORST]
    ]
    return table(("author", "candidates", "boundaries", "F1", "baseline", "gain"), rows)


def names(task: Task) -> tuple[str, str]:
    """Return the names of the language and of the type."""
    return LANGUAGES[task[0]], task[1]
