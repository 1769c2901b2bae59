"""Turn the run records of `make results` into `docs/results.md`.

What is not run yet stands on the page with its command. Nothing on the page is written by hand but
the rows quoted from the research notes, which are kept in `bench/quoted.toml`.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.results_ablation import COLUMNS, ablation
from bench.results_rows import Row, experiment_rows, finetuned_rows, read_toml, runs_on_corpus
from segclf.evaluation import read_evaluation
from segclf.grids import Experiment, Trial, read_experiment
from segclf.leaderboard import SCORES
from segclf.runs import Run
from segclf.workspace import StoredCorpus, Workspace

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "results.md"
EXPERIMENTS = ROOT / "experiments"
LOSSES = "soseki-losses"
ENCODERS = "soseki-encoders"

HEAD = """# Results

Written by `make results` from run records, never by hand. Run the commands in the folder of the
repository, segtool installed (`pip install .`); the novels are expected in `../shared/data/soseki`.
What was run once is not run again. `make results` keeps its runs in `.segtool-results`, or in the
folder that SEGTOOL_HOME names.
"""
HOW = """Everything is chosen on dev (Kokoro): the epoch, the threshold, and the order of the rows.
Nothing is chosen on test (Meian). ± is the standard deviation over seeds (of a sample). P is
precision, R recall, WD WindowDiff; Pk and WD are the better the lower.
"""


def main() -> None:
    """Write the page from the workspace in SEGTOOL_HOME."""
    PAGE.write_text(page(Workspace(), sorted(EXPERIMENTS.glob("*.toml"))), encoding="utf-8")
    print(PAGE)


def page(workspace: Workspace, experiments: Sequence[Path]) -> str:
    """Return the page.

    Args:
        workspace: with the runs.
        experiments: files of experiments; the one called `LOSSES` has a table instead of rows, the
            one called `ENCODERS` one more.
    """
    stored, runs = runs_on_corpus(workspace)
    plans = {path: read_experiment(path) for path in experiments}
    experiment = {  # what two files have is one row
        (row.name, row.encoder, repr(row.system)): row
        for path, plan in plans.items()
        if path.stem != LOSSES
        for row in experiment_rows(path, plan, workspace, stored)
    }
    heads = list(experiment.values())
    tuned = finetuned_rows(runs)
    rows = sorted([*heads, *tuned], key=_dev_f1, reverse=True)
    parts = [HEAD, _corpus_line(stored), HOW, "## Systems\n", "### Test\n"]
    parts += [_table(rows, "test"), "### Dev\n", _table(rows, "dev")]
    parts += ["## Answers that look at no sentence\n", _baselines(runs)]
    parts += ["## Quoted from the research notes\n", _quoted()]
    parts += ["## What an epoch costs\n", _costs(heads, next(row for row in tuned if row.pair))]
    for path, plan in plans.items():
        if path.stem == LOSSES:
            parts += ["## Losses and learning rates\n", _losses(path, plan, workspace, stored)]
        if path.stem == ENCODERS:
            rows_of_pieces, what = ablation(plan, workspace, stored)
            parts += ["## What each piece of the encoder is worth\n", what + "\n"]
            parts.append(_markdown(COLUMNS, rows_of_pieces))
    return "\n".join(parts)


def _corpus_line(stored: StoredCorpus | None) -> str:
    if stored is None:
        return "Nothing is run yet.\n"
    counts = stored.corpus.counts().items()
    shown = ", ".join(f"{s.capitalize()}({c['sentences']}:{c['boundaries']})" for s, c in counts)
    return f"Seven novels by Natsume Soseki, sentences:boundaries: `{shown}`.\n"


def _table(rows: Sequence[Row], split: str) -> str:
    heads = ("P", "R", "F1", "Pk", "WD")
    body = [
        [
            row.name,
            row.encoder,
            *_system_cells(row.system, split),
            f"`{row.command}`",
        ]
        for row in rows
    ]
    columns = ("system", "encoder", "seeds", *heads, "s an epoch", "parameters", "command")
    return _markdown(columns, body)


def _system_cells(system: dict[str, Any] | None, split: str) -> list[str]:
    if system is None:
        return ["not run yet", *[""] * 7]
    return [
        f"{system['n']}",
        *(_figure(system[split][name]) for name in SCORES),
        _seconds(system["seconds_per_epoch"]["mean"]),
        f"{system['parameters']:,}",
    ]


def _baselines(runs: Sequence[Run]) -> str:
    command = "segtool sweep experiments/soseki-heads.toml --head mlp --window 1 --seed 0"
    body = []
    for split in ("test", "dev"):
        found = next(filter(None, (read_evaluation(run, split) for run in runs)), None)
        for name, scores in found["baselines"].items() if found else ():
            figures = [f"{scores[score]:.3f}" for score in SCORES]
            body.append([name, split, *figures, f"`{command} && segtool eval --split {split}`"])
    if not body:
        return f"Not run yet: `{command}`\n"
    return _markdown(("answer", "split", "P", "R", "F1", "Pk", "WD", "command"), body)


def _quoted() -> str:
    columns = ("system", "precision", "recall", "dev_f1", "test_f1", "epoch")
    body = [
        [
            f"quoted: {row['system']}",
            *(row.get(name, "") for name in columns[1:]),
            _code(row["command"]),
        ]
        for row in read_toml("quoted.toml")["row"]
    ]
    note = (
        "These figures are the notes' own, measured elsewhere or with other code; nothing here "
        "was run. The command runs what comes nearest in this project. Rows marked later split "
        "sentences slightly differently.\n\n"
    )
    heads = ("system", "P", "R", "dev F1", "test F1", "an epoch", "nearest command")
    return note + _markdown(heads, body)


def _costs(heads: Sequence[Row], pair: Row) -> str:
    if pair.system is None:
        return f"The fine-tuned pair has not been run on this machine yet: `{pair.command}`\n"
    whole = pair.system["seconds_per_epoch"]["mean"]
    machine = pair.system["machines"]
    body = []
    for row in heads:
        if row.system and row.system["machines"] == machine:
            seconds = row.system["seconds_per_epoch"]["mean"]
            times = f"{whole / seconds:,.0f}"
            threads = ", ".join(map(str, row.system["threads"]))
            body.append(
                [row.name, row.encoder, _seconds(seconds), threads, times, f"`{row.command}`"]
            )
    threads = ", ".join(map(str, pair.system["threads"])) or "unknown"
    text = (
        f"An epoch of the {pair.name} takes {whole:,.0f} s on {', '.join(machine)} "
        f"(threads: {threads}). Once every sentence's vector is cached, an epoch of a head takes:"
        "\n\n"
    )
    columns = ("head", "encoder", "s an epoch", "threads", "times cheaper than the pair", "command")
    return text + _markdown(columns, body)


def _losses(path: Path, plan: Experiment, workspace: Workspace, stored: StoredCorpus | None) -> str:
    systems: dict[str, dict[float, dict[str, Any] | None]] = {}
    commands = {}
    for row, trial in _loss_rows(path, plan, workspace, stored):
        options = trial.options
        name = f"focal, gamma {options.gamma:g}" if options.loss == "focal" else options.loss
        systems.setdefault(name, {})[options.learning_rate] = row.system
        gamma = f" --gamma {options.gamma:g}" if options.loss == "focal" else ""
        commands[name] = f"`segtool sweep experiments/{path.name} --loss {options.loss}{gamma}`"
    rates = sorted({rate for row in systems.values() for rate in row})
    head = plan.trials[0].options
    text = (
        f"{head.head}, window {head.window}. Each cell: mean F1 on test at probability 0.5 → at "
        "the threshold that dev gave; then in how many runs every sentence of dev gets the same "
        "answer at 0.5 (0: no boundary, 1: a boundary), and in how many even at dev's threshold "
        "(collapsed).\n\n"
    )
    body = [
        [name, *(_loss_cell(row.get(rate)) for rate in rates), commands[name]]
        for name, row in systems.items()
    ]
    columns = ("loss", *(f"learning rate {rate:g}" for rate in rates), "command")
    return text + _markdown(columns, body) + "\n" + _collapse_summary(systems)


def _loss_rows(
    path: Path, plan: Experiment, workspace: Workspace, stored: StoredCorpus | None
) -> list[tuple[Row, Trial]]:
    rows = experiment_rows(path, plan, workspace, stored)
    trials = dict.fromkeys(replace(t, options=replace(t.options, seed=0)) for t in plan.trials)
    return list(zip(rows, trials, strict=True))


def _loss_cell(system: dict[str, Any] | None) -> str:
    if system is None:
        return "not run yet"
    half, chosen = system["at_half"]["test"]["f1"]["mean"], system["test"]["f1"]["mean"]
    if half is None or chosen is None:
        return "not run yet"
    text = f"{half:.3f} → {chosen:.3f}"
    for answer, name in (("0", "nowhere_at_half"), ("1", "everywhere_at_half")):
        if system[name]:
            text += f"; **all {answer} at 0.5: {system[name]} of {system['n']}**"
    if system["collapsed"]:
        text += f"; **collapsed: {system['collapsed']} of {system['n']}**"
    return text


def _collapse_summary(systems: dict[str, dict[float, dict[str, Any] | None]]) -> str:
    found = [
        f"{name} at learning rate {rate:g} ({system['nowhere_at_half']} of {system['n']} runs)"
        for name, row in systems.items()
        for rate, system in row.items()
        if system and system["nowhere_at_half"]
    ]
    known = sum(system is not None for row in systems.values() for system in row.values())
    if not known:
        return "No setting has been run yet.\n"
    if not found:
        return f"In none of the {known} settings run is everything predicted 0 at 0.5.\n"
    return f"Everything is predicted 0 at probability 0.5 with: {'; '.join(found)}.\n"


def _dev_f1(row: Row) -> float:
    return (row.system and row.system["dev"]["f1"]["mean"]) or -1.0


def _figure(figure: dict[str, float | None]) -> str:
    if figure["mean"] is None:
        return ""
    return f"{figure['mean']:.3f}" + ("" if figure["std"] is None else f" ± {figure['std']:.3f}")


def _seconds(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.2g}" if value < 10 else f"{value:,.0f}"


def _code(command: str) -> str:
    return f"`{command}`" if command else "none"


def _markdown(columns: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *body]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


if __name__ == "__main__":
    main()
