"""Charts of a report, drawn with Altair: precision and recall, F1, reliability, lengths, history.

Vega draws them in Python (vl-convert), so that the page contains drawings of a few kilobytes and no
chart library. On the page, their colours are CSS variables, whose values depend on the colour mode.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import altair as alt

from segclf.corpus import BoundaryType
from segclf.report.groups import Group
from segclf.report.series import (
    MAX_LENGTH,
    TRUE,
    Rows,
    comparison_rows,
    history_rows,
    labelled,
    length_rows,
    precision_recall_rows,
    reliability_rows,
    threshold_rows,
)

WIDTH, HEIGHT = 330, 260
INK, MUTED, GRID, PAPER = "#1d2433", "#626b7b", "#dde2ea", "#fefefe"
SERIES = (
    *("#2f6fb3", "#c9661a", "#24845f", "#a0357a", "#6a5acd", "#80640f"),
    *("#b3262e", "#12808c", "#5f7d12", "#d0508c", "#7a4a2b", "#5b6b86"),
)
"""Colours of the groups; they repeat if there are more groups than colours."""

_NO_CURVE = "There is no curve, because there is no boundary to find."
_FEW = 3  # lines; more are drawn thinner
_SHARES = (0, 0.01, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1)  # ticks of the chart of lengths
_UNIT = {"scale": alt.Scale(domain=[0, 1]), "axis": alt.Axis(tickCount=5)}


@dataclass(frozen=True)
class Figure:
    """A chart of the report.

    Attributes:
        name: Name of its files without suffix, and id of its element on the page.
        title: Title.
        text: Explanation below the title.
        chart: Altair chart.
    """

    name: str
    title: str
    text: str
    chart: alt.TopLevelMixin


def make_figures(groups: Sequence[Group], boundary_type: BoundaryType) -> list[Figure]:
    """Draw the charts of a type of boundary.

    Returns:
        "precision-recall", "thresholds", "comparison", "reliability", "lengths" and, if a run has a
        history, "history".
    """
    makers = (_precision_recall, _thresholds, _comparison, _reliability, _lengths)
    figures = [make(groups, boundary_type) for make in makers]
    history = _history(groups)
    return [*figures, history] if history else figures


def _precision_recall(groups: Sequence[Group], boundary_type: BoundaryType) -> Figure:
    curves, chosen = precision_recall_rows(groups, boundary_type)
    x = alt.X("recall:Q", title="recall", **_UNIT)
    y = alt.Y("precision:Q", title="precision", **_UNIT)
    color = _color([group.label for group in groups])
    line = _lines(curves).encode(x, y, color, order="order:Q")
    points = _chart(chosen).mark_point(size=70, filled=True).encode(x, y, color)
    first = chosen[0]
    numbers = f": precision {first['precision']:.3f}, recall {first['recall']:.3f}"
    return Figure(
        "precision-recall",
        "Precision and recall",
        f"A dot marks the chosen threshold{numbers if len(chosen) == 1 else ''}. A ring marks that "
        f"of the slider.{'' if curves else f' {_NO_CURVE}'}",
        _sized(line + points),
    )


def _thresholds(groups: Sequence[Group], boundary_type: BoundaryType) -> Figure:
    rows, chosen = threshold_rows(groups, boundary_type)
    is_single = len(labelled(groups)) == 1
    x = alt.X("threshold:Q", title="threshold", **_UNIT)
    y = alt.Y("score:Q", title="score" if is_single else "F1", **_UNIT)
    return Figure(
        "thresholds",
        "Scores by threshold",
        "A dashed line marks the chosen threshold, a solid line that of the slider."
        + ("" if rows else f" {_NO_CURVE}"),
        _sized(_lines(rows).encode(x, y, _color_of(rows)) + _rules(chosen).encode(x)),
    )


def _comparison(groups: Sequence[Group], boundary_type: BoundaryType) -> Figure:
    points, spreads, trivial = comparison_rows(groups, boundary_type)
    labels = [group.label for group in groups]
    names = [*labels, *(row["system"] for row in trivial)]
    axis = alt.Axis(labelLimit=200, ticks=False, domain=False, grid=True)
    y = alt.Y("system:N", title=None, sort=names, axis=axis)
    x = alt.X("f1:Q", title="F1", **_UNIT)
    color = _color(labels, legend=False)
    dots = _chart(points).mark_point(filled=True, size=55).encode(x, y, color)
    ticks = _chart(trivial).mark_tick(thickness=3, height=12, color=MUTED).encode(x, y)
    all_systems = (ticks + dots).properties(width=210, height=alt.Step(27))
    best = max(trivial, key=lambda row: row["f1"])
    text = f"The best trivial baseline, {best['system']}, has an F1 of {best['f1']:.3f}."
    if len(points) == 1:
        return Figure("comparison", "Model and trivial baselines", text, all_systems)
    near = {"title": None, "scale": alt.Scale(zero=False, padding=12), "axis": _UNIT["axis"]}
    bars = _chart(spreads).mark_rule(strokeWidth=5, opacity=0.4)
    bars = bars.encode(alt.X("low:Q", **near), y, color, x2="high:Q")
    models = bars + dots.encode(alt.X("f1:Q", **near))
    return Figure(
        "comparison",
        "Models and trivial baselines",
        f"{text} Above, the models alone: a dot for each run, and the mean ± standard deviation of "
        "runs that differ only in the seed.",
        alt.vconcat(models.properties(width=210, height=alt.Step(27)), all_systems, spacing=10),
    )


def _reliability(groups: Sequence[Group], boundary_type: BoundaryType) -> Figure:
    rows = reliability_rows(groups, boundary_type)
    x = alt.X("probability:Q", title="predicted probability", **_UNIT)
    y = alt.Y("observed:Q", title="share of boundaries", **_UNIT)
    size = alt.Size("count:Q", legend=None, scale=alt.Scale(range=[20, 220]))
    color = _color([group.label for group in groups])
    ends: Rows = [{"probability": end, "observed": end} for end in (0, 1)]
    diagonal = _chart(ends).mark_line(strokeDash=[4, 3], color=MUTED, strokeWidth=1).encode(x, y)
    dots = _chart(rows).mark_point(filled=True, opacity=0.9).encode(x, y, color, size=size)
    first = groups[0].systems[0].types[boundary_type].evaluation.reliability
    error = f" Expected calibration error: {first.expected_error:.3f}."
    return Figure(
        "reliability",
        "Reliability of the probabilities",
        "Calibrated probabilities lie on the dashed line. Large dots stand for many sentences."
        + (error if len(labelled(groups)) == 1 else ""),
        _sized(diagonal + _lines(rows).encode(x, y, color) + dots),
    )


def _lengths(groups: Sequence[Group], boundary_type: BoundaryType) -> Figure:
    rows, means = length_rows(groups, boundary_type)
    title = f"sentences in a paragraph ({MAX_LENGTH} means {MAX_LENGTH} or more)"
    x = alt.X("length:Q", title=title, scale=alt.Scale(domain=[1, MAX_LENGTH]))
    # the slider can make all paragraphs one sentence long; the root leaves room for small shares
    scale = alt.Scale(type="sqrt", domain=[0, 1])
    axis = alt.Axis(format="%", values=_SHARES)
    y = alt.Y("share:Q", title="share of paragraphs", scale=scale, axis=axis)
    color = _color([group.label for group in groups], first=(TRUE, MUTED))
    text = f"Mean length: {means[-1]:.2f} sentences in the text"
    text += f", {means[0]:.2f} as predicted." if len(means) == 2 else "."
    chart = _sized(_lines(rows, points=True).encode(x, y, color))
    return Figure("lengths", "Lengths of paragraphs", text, chart)


def _history(groups: Sequence[Group]) -> Figure | None:
    losses, scores, best = history_rows(groups)
    if not losses:
        return None
    epochs = sorted({row["epoch"] for row in losses})  # there are no ticks between them
    x = alt.X("epoch:Q", title="epoch", axis=alt.Axis(values=epochs, format="d"))
    y = alt.Y("score:Q", title="score on dev" if len(best) == 1 else "F1 on dev", **_UNIT)
    above = _lines(losses, points=True).encode(x.title(None), alt.Y("loss:Q", title="loss"))
    below = _lines(scores, points=True).encode(x, y, _color_of(scores)) + _rules(
        [{"epoch": epoch} for epoch in best if len(best) == 1]
    ).encode(x)
    colored = above.encode(
        alt.ColorValue(MUTED) if len(best) == 1 else _color_of(losses, legend=False)
    )
    return Figure(
        "history",
        "Loss and scores by epoch",
        "Loss in training, and scores on dev at the best threshold of each epoch."
        + (f" The weights of epoch {best[0]} were kept." if len(best) == 1 else ""),
        alt.vconcat(
            colored.properties(width=WIDTH, height=75),
            below.properties(width=WIDTH, height=135),
            spacing=8,
        ),
    )


def _chart(rows: Rows) -> alt.Chart:
    return alt.Chart(alt.InlineData(values=rows))


def _lines(rows: Rows, *, points: bool = False) -> alt.Chart:
    """Return a chart with a line for each run, thin if there are many."""
    width = 2 if len({row["run"] for row in rows}) <= _FEW else 1.2
    point = alt.OverlayMarkDef(size=20) if points else False
    return _chart(rows).mark_line(strokeWidth=width, point=point).encode(detail="run:N")


def _rules(rows: Rows) -> alt.Chart:
    return _chart(rows).mark_rule(strokeDash=[4, 3], color=MUTED)


def _sized(chart: alt.TopLevelMixin) -> alt.TopLevelMixin:
    return chart.properties(width=WIDTH, height=HEIGHT)


def _color(
    labels: list[str], *, legend: bool = True, first: tuple[str, str] | None = None
) -> alt.Color:
    """Return the colours of the groups, and a legend if there are several.

    Args:
        labels: Labels of the groups.
        legend: Whether to show a legend.
        first: Name and colour of a series before the groups; None for the groups alone.
    """
    others = [(label, SERIES[i % len(SERIES)]) for i, label in enumerate(labels)]
    series = [first, *others] if first else others
    shown = alt.Legend() if legend and len(series) > 1 else None
    scale = alt.Scale(domain=[name for name, _ in series], range=[color for _, color in series])
    return alt.Color("series:N", title=None, scale=scale, legend=shown)


def _color_of(rows: Rows, *, legend: bool = True) -> alt.Color:
    """Return colours for the series in the order in which they first occur."""
    return _color(list(dict.fromkeys(row["series"] for row in rows)), legend=legend)
