"""Writes `docs/results.md` from the run records that `make results` creates.

Systems without a run are listed with the command that runs them. The part about unseen authors
comes from the records in `reports/data` and from `published.toml`, the figures quoted from the
research notes come from `quoted.toml`, and everything else comes from run records.
"""

from collections.abc import Sequence
from pathlib import Path

from reports import encoder_table, loss_table, system_tables, unseen_page
from reports.markdown import block
from reports.systems import experiment_rows, finetuned_rows, runs_on_corpus
from reports.unseen_records import read_records
from segclf.experiments.experiment_files import read_experiment
from segclf.workspace.corpora import StoredCorpus
from segclf.workspace.workspace import Workspace

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "results.md"
EXPERIMENTS = ROOT / "experiments"
LOSSES = "soseki-losses"
ENCODERS = "soseki-encoders"

INTRODUCTION = """# Results

The first part of this page reports scores on authors on whose works no model was trained. The rest
reports scores on one author, whose novels are in every split.
"""
NOVELS = """\
## Novels by Natsume Soseki

This part gives the scores and the training cost of every system on seven novels by Natsume Soseki,
with the command that runs each system. `make results` writes the page from run records; do not edit
it by hand.

Run the commands in the root folder of the repository, with segtool installed (`pip install .`). The
novels are expected in `../shared/data/soseki`. `make results` keeps its runs in `.segtool-results`,
or in the folder that `SEGTOOL_HOME` names, and does not repeat runs that are already there.
"""
PROTOCOL = """\
The epoch, the threshold and the order of the rows are chosen on dev (Kokoro). Nothing is chosen on
test (Meian). P is precision, R is recall and WD is WindowDiff. Lower is better for Pk and WD. ± is
the sample standard deviation over seeds.
"""


def main() -> None:
    """Write the page from the workspace `SEGTOOL_HOME`."""
    PAGE.write_text(page(Workspace(), sorted(EXPERIMENTS.glob("*.toml"))), encoding="utf-8")
    print(PAGE)


def page(workspace: Workspace, experiments: Sequence[Path]) -> str:
    """Return the page.

    Args:
        workspace: Workspace with the runs.
        experiments: Experiment files. The file named `LOSSES` gets a separate table instead of
            rows; the file named `ENCODERS` gets a table in addition to its rows.
    """
    stored, runs = runs_on_corpus(workspace)
    plans = {path: read_experiment(path) for path in experiments}
    heads = {  # a system that two files share is one row
        (row.name, row.encoder, repr(row.summary)): row
        for path, plan in plans.items()
        if path.stem != LOSSES
        for row in experiment_rows(path, plan, workspace, stored)
    }
    rows = sorted([*heads.values(), *finetuned_rows(runs)], key=lambda r: r.dev_f1, reverse=True)
    unseen = unseen_page.section(read_records())
    sections = [INTRODUCTION, block(unseen_page.BLOCK, unseen), NOVELS]
    sections += [_corpus_line(stored), PROTOCOL, *system_tables.systems(rows)]
    sections += system_tables.baselines(runs)
    sections += system_tables.quoted()
    for path, plan in plans.items():
        if path.stem == LOSSES:
            sections += loss_table.losses(path, plan, workspace, stored)
        if path.stem == ENCODERS:
            sections += encoder_table.ablation(plan, workspace, stored)
    return "\n".join(sections)


def _corpus_line(stored: StoredCorpus | None) -> str:
    if stored is None:
        return "Nothing has been run yet.\n"
    counts = ", ".join(
        f"{split.capitalize()}({count['sentences']}:{count['boundaries']})"
        for split, count in stored.corpus.counts().items()
    )
    return f"Sentences and boundaries of each split: `{counts}`.\n"


if __name__ == "__main__":
    main()
