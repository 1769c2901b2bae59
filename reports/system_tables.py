"""The sections about systems, baselines and quoted figures."""

from collections.abc import Sequence
from typing import Any

from reports.markdown import NOT_RUN, command_list, mean_and_deviation, seconds, table
from reports.systems import Row, read_toml
from segclf.scoring.baselines import DESCRIPTIONS
from segclf.scoring.metrics import SCORE_NAMES
from segclf.tasks.evaluation_files import read_evaluation
from segclf.workspace.runs import Run

SCORE_COLUMNS = ("P", "R", "F1", "Pk", "WD")
BASELINE_COMMAND = "segtool sweep experiments/soseki-heads.toml --head mlp --window 1 --seed 0"


def systems(rows: Sequence[Row]) -> list[str]:
    """Return the sections of scores, commands and training cost.

    Args:
        rows: Systems, the best first. One of them must be the fine-tuned pair (see `Row.is_pair`).
    """
    numbered = [(str(number), row) for number, row in enumerate(rows, start=1)]
    return [
        "## Systems\n",
        "The number of a system is its rank by F1 on dev. All tables of this section use it.\n",
        "### Scores on test\n",
        _scores(numbered, "test"),
        "### Scores on dev\n",
        _scores(numbered, "dev"),
        "### Commands\n",
        "".join(f"{number}. {row.label}: `{row.command}`\n" for number, row in numbered),
        "### Training cost\n",
        _costs(numbered),
    ]


def _scores(numbered: Sequence[tuple[str, Row]], split: str) -> str:
    columns = ("#", "system", "encoder", "seeds", *SCORE_COLUMNS)
    return table(
        columns,
        [[n, row.name, row.encoder, *_score_cells(row.summary, split)] for n, row in numbered],
    )


def _score_cells(summary: dict[str, Any] | None, split: str) -> list[str]:
    if summary is None:
        return [NOT_RUN, *[""] * len(SCORE_NAMES)]
    return [f"{summary['n']}", *(mean_and_deviation(summary[split][name]) for name in SCORE_NAMES)]


def _costs(numbered: Sequence[tuple[str, Row]]) -> str:
    pair = next(row for _, row in numbered if row.is_pair)
    text = "Heads train on cached sentence vectors; fine-tuned systems train the encoder too. "
    if pair.summary is None:
        text += f"The {pair.name} has not been run on this machine yet.\n\n"
    else:
        duration = pair.summary["seconds_per_epoch"]["mean"]
        machines = ", ".join(pair.summary["machines"])
        threads = ", ".join(map(str, pair.summary["threads"])) or "unknown"
        text += (
            f"An epoch of the {pair.name} takes {duration:,.0f} s on {machines} (threads: "
            f"{threads}). The last column shows how many times cheaper an epoch of a head is on "
            "the same machine.\n\n"
        )
    columns = ("#", "system", "encoder", "parameters", "seconds per epoch", "threads", "cheaper by")
    return text + table(
        columns,
        [[n, row.name, row.encoder, *_cost_cells(row, pair.summary)] for n, row in numbered],
    )


def _cost_cells(row: Row, pair: dict[str, Any] | None) -> list[str]:
    if row.summary is None:
        return [NOT_RUN, "", "", ""]
    duration = row.summary["seconds_per_epoch"]["mean"]
    cells = [f"{row.summary['parameters']:,}", seconds(duration)]
    if row.is_finetuned or pair is None or row.summary["machines"] != pair["machines"]:
        return [*cells, "", ""]
    factor = pair["seconds_per_epoch"]["mean"] / duration
    return [*cells, ", ".join(map(str, row.summary["threads"])), f"{factor:,.0f} times"]


def baselines(runs: Sequence[Run]) -> list[str]:
    """Return the section of the baselines, which are scored with every run."""
    rows = []
    for split in ("test", "dev"):
        found = next(filter(None, (read_evaluation(run, split) for run in runs)), None)
        for name, scores in found["baselines"].items() if found else ():
            rows.append(
                [DESCRIPTIONS[name], split, *(f"{scores[score]:.3f}" for score in SCORE_NAMES)]
            )
    if not rows:
        return ["## Baselines\n", f"Not run yet: `{BASELINE_COMMAND}`\n"]
    text = (
        "These baselines do not look at the text. They predict a boundary before every sentence, "
        "before no sentence, at regular intervals (the mean length of the training paragraphs), "
        "and at random with the same share as in training (mean of 20 draws). "
        f"Command: `{BASELINE_COMMAND} && segtool eval --split test`, or `--split dev`.\n"
    )
    return ["## Baselines\n", text, table(("baseline", "split", *SCORE_COLUMNS), rows)]


def quoted() -> list[str]:
    """Return the section of the figures in `quoted.toml`."""
    columns = ("precision", "recall", "dev_f1", "test_f1", "epoch")
    quotes = read_toml("quoted.toml")["row"]
    rows = [[row["system"], *(row.get(name, "") for name in columns)] for row in quotes]
    return [
        "## Figures quoted from the research notes\n",
        "These figures were measured elsewhere or with other code; none of them was measured here. "
        'The rows marked "later" split sentences slightly differently.\n',
        table(("quoted system", "P", "R", "dev F1", "test F1", "time per epoch"), rows),
        "The closest command in this project for each of them:\n",
        command_list({row["system"]: row["command"] for row in quotes}),
    ]
