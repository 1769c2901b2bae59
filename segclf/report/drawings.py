"""Drawings of the charts: SVG for the page, and PNG and SVG files."""

import re
from pathlib import Path
from typing import Any

import vl_convert

from embedcache.files import write_bytes
from segclf.report.charts import GRID, INK, MUTED, PAPER, SERIES, Figure

_VARIABLES = {
    INK: "var(--ink)",
    MUTED: "var(--muted)",
    GRID: "var(--grid)",
    PAPER: "none",
    **{color: f"var(--series-{number})" for number, color in enumerate(SERIES, start=1)},
}
"""CSS variables of the page that replace the colours of a drawing."""

_LINE = {"gridColor": GRID, "domainColor": MUTED, "tickColor": MUTED}
_CONFIG = {
    "background": PAPER,
    "view": {"stroke": None},
    "font": "sans-serif",
    "axis": {**_LINE, "labelColor": MUTED, "titleColor": INK, "titleFontWeight": "normal",
             "labelFontSize": 11, "titleFontSize": 12},
    "legend": {"orient": "bottom", "labelColor": INK, "labelFontSize": 11, "labelLimit": 320,
               "columns": 3, "symbolType": "circle",
               "columnPadding": 30},  # the font of the page may be wider than Vega's
    "line": {"strokeWidth": 2},
    "point": {"strokeWidth": 0},
}  # fmt: skip


def page_drawing(figure: Figure) -> str:
    """Return the chart as an SVG element for the page.

    Vega escapes the text in it. The element has no ARIA roles or labels, because the page describes
    the chart.
    """
    svg = vl_convert.vegalite_to_svg(_specification(figure))
    svg = re.sub(r' (?:role|aria-[\w-]+)="[^"]*"', "", svg)
    svg = re.sub(r' (?:font-family|xmlns(?::xlink)?|version)="[^"]*"', "", svg)
    return re.sub(
        r' (fill|stroke)="(#\w+)"',
        lambda match: f' {match[1]}="{_VARIABLES.get(match[2], match[2])}"',
        svg,
    )


def write_drawings(figures: list[Figure], folder: Path) -> list[Path]:
    """Write each chart to a folder, as NAME.svg and NAME.png.

    Raises:
        OSError: A file cannot be written.
    """
    paths = []
    for figure in figures:
        specification = _specification(figure, title=figure.title)
        for suffix, data in (
            ("svg", vl_convert.vegalite_to_svg(specification).encode()),
            ("png", vl_convert.vegalite_to_png(specification, scale=2)),
        ):
            paths.append(folder / f"{figure.name}.{suffix}")
            write_bytes(paths[-1], data)
    return paths


def _specification(figure: Figure, title: str | None = None) -> dict[str, Any]:
    specification: dict[str, Any] = figure.chart.to_dict()
    heading = {"title": {"text": title, "color": INK, "anchor": "start"}} if title else {}
    return specification | heading | {"config": _CONFIG}
