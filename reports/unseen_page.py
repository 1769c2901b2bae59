"""Writes the page and the sections about unseen authors, from the records in `reports/data`.

`python -m reports.unseen_page` writes `docs/unseen-authors.md`, and replaces the section in
`docs/results.md` and the table in `README.md`.
"""

from collections.abc import Mapping
from pathlib import Path

from reports import unseen_tables as tables
from reports.authors import RESAMPLES
from reports.markdown import replace_block, table
from reports.peers.methods import METHODS, NOT_RUN
from reports.systems import read_toml
from reports.unseen_records import Records, read_records

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "unseen-authors.md"
RESULTS = ROOT / "docs" / "results.md"
README = ROOT / "README.md"
BLOCK = "unseen authors"

INTRODUCTION = f"""\
The tables show the scores of the ready models on authors on whose texts they were not trained (the
test split). The epoch, the threshold and the parameters of other methods were chosen on other
unseen authors (the dev split). `make models` trains the models and writes the tables from records;
`make peers` runs the other methods. Do not edit the tables by hand.

At a boundary of type `any`, a paragraph or a line of dialogue begins. At a boundary of type
`paragraph`, a paragraph begins; Japanese texts indent its first line. At a boundary of type `line`,
another line begins, such as a line of dialogue.

F1 is computed from the boundaries of all authors together. The interval is the 95% percentile
interval of a bootstrap over authors ({RESAMPLES:,} resamples). Pk and WD (WindowDiff) are
means over works; lower is better. "Baseline" is the F1 of the best trivial baseline. "Better" is
the number of authors for whom the F1 of the model is higher than that of every trivial baseline.
"Target" is the F1 to reach, which was set before the models were trained.
"""
TRIED = """\
[Choice of encoder and settings](quality.md) lists what was tried to reach the targets, and compares
the encoder with the best that was fine-tuned end to end on the same texts.
"""
COMPLETE = """\
A line break in the original text always ends a sentence. If a line break divides a sentence, for
example before a quotation, the first part has no final punctuation. This reveals the boundary. In
a text without line breaks, the position would not even be a candidate. "Complete" is the F1 over
those candidates that do not follow a letter, a digit or a comma.
"""
METHODS_TEXT = """\
The trivial baselines do not look at the text. The other methods are not trained. Their parameters
were chosen from a grid on the first 500 sentences of each work of the dev split, for each language
and type. They receive the same sentences as the models, except the last two, which receive the text
without line breaks. A method that needs an encoder gets the vectors of `e5-small:7`, and for
several sentences the mean of their vectors. The vectors of the whole model would not help: on the
dev works in English, French, German and Spanish, the cosine similarity of neighbouring sentences
separates boundaries from other candidates with an area under the ROC curve of 0.515 to 0.605 with
the whole model, and of 0.518 to 0.588 with `e5-small:7`.

These methods look for a change of topic. In a novel, the topic seldom changes from one paragraph or
line to the next.
"""
BY_F1 = """\
F1 with the parameters that have the highest F1 on dev. With these parameters, most methods place a
boundary before almost every sentence.
"""
BY_COUNT = """\
F1 with the parameters with which the number of boundaries on dev is closest to the true number.
Compare these scores with those of the random boundaries.
"""
BY_PK = """\
Pk with the parameters that have the lowest Pk on dev. Lower is better.
"""
PUBLISHED_TEXT = """\
These figures were published by the authors of other models. None of them was measured here, and
they cannot be compared with the tables above. The F1 of chonky's tables is computed over tokens,
not over sentences, on the first million tokens of a data set. chonky was trained on texts of the
same collections, and its page does not say whether training and validation texts have authors in
common.
The abstract of Yoo and Kim does not name the language and the authors of the novels. The papers on
wtpsplit ([WtP](https://aclanthology.org/2023.acl-long.398/), [SaT](https://arxiv.org/abs/2406.16678))
are about sentences; the figures of SaT for paragraphs come from chonky's page.
"""


def main() -> None:
    """Write the page, and replace the parts of the other pages."""
    records = read_records()
    PAGE.write_text(page(records), encoding="utf-8")
    for path, text in ((RESULTS, section(records)), (README, readme_table(records))):
        content = path.read_text(encoding="utf-8")
        path.write_text(replace_block(content, BLOCK, text), encoding="utf-8")
    for path in (PAGE, RESULTS, README):
        print(path)


def section(records: Records) -> str:
    """Return the section of `docs/results.md`."""
    return "\n".join(
        [
            "## Unseen authors\n",
            INTRODUCTION,
            tables.summary(records),
            tables.share_better(records),
            tables.missed_targets(records),
            TRIED,
            "[Unseen authors](unseen-authors.md) has all scores of every system, and the authors "
            "with the smallest gain for each language and type.\n",
            "### Other methods\n",
            METHODS_TEXT,
            BY_F1,
            tables.systems(records, "f1"),
            BY_COUNT,
            tables.systems(records, "count"),
            BY_PK,
            tables.systems(records, "pk"),
            "### The authors with the smallest gain\n",
            "The gain is the F1 of the model minus that of the best trivial baseline. The table "
            f"shows the {tables.WORST} authors of all languages with the smallest gain, for "
            "boundaries of type `any`.\n",
            tables.worst(records, [task for task in records.tasks if task[1] == "any"]),
            "### The methods\n",
            "".join(f"- {method.name}: {method.description}\n" for method in METHODS),
            "Not run:\n",
            "".join(f"- {name}: {reason}\n" for name, reason in NOT_RUN.items()),
            "### Published figures\n",
            PUBLISHED_TEXT,
            published(),
        ]
    )


def published() -> str:
    """Return the table of the figures in `published.toml`."""
    columns = ("model", "texts", "scores", "source")
    rows = read_toml("published.toml")["row"]
    return table(("model", "texts", "F1", "source"), [[row[c] for c in columns] for row in rows])


def page(records: Records) -> str:
    """Return `docs/unseen-authors.md`."""
    parts = ["# Unseen authors\n", INTRODUCTION, COMPLETE, tables.summary(records, details=True)]
    parts += [tables.share_better(records), tables.missed_targets(records), TRIED]
    parts += ["Other methods and their sources are described in [Results](results.md).\n"]
    for task in records.tasks:
        name = ", ".join(tables.names(task))
        parts += [
            f"## {name}: systems\n",
            tables.details(records, task),
            f"## {name}: the authors with the smallest gain\n",
            tables.worst(records, [task]),
        ]
    return "\n".join(parts)


def readme_table(records: Records) -> str:
    """Return the table of `README.md`."""
    kinds: Mapping[str, str] = {
        "any": "paragraphs and lines of dialogue",
        "line": "lines of dialogue only",
        "paragraph": "paragraphs only",
    }
    rows = []
    for task in records.tasks:
        language, kind = tables.names(task)[0], kinds[task[1]]
        label = f"{language}, {kind}" if task[0] == "ja" else language
        scores = records.model[task].scores["f1"], records.best_baseline(task)
        rows.append([label, *(f"{value:.3f}" for value in scores)])
    return table(("language", "F1", "best trivial baseline"), rows)


if __name__ == "__main__":
    main()
