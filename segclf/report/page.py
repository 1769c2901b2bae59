"""The page of a report: fills the template with scores, charts, data, styles and scripts."""

import base64
import hashlib
import json
from collections.abc import Sequence
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from segclf.corpus import BoundaryType, Corpus, Split
from segclf.report.charts import HEIGHT, WIDTH, Figure
from segclf.report.content import folders_of, page_content
from segclf.report.drawings import page_drawing
from segclf.report.groups import Group
from segclf.report.systems import System, has_lines
from segclf.scoring.baselines import DESCRIPTIONS
from segclf.scoring.metrics import SCORE_NAMES
from segclf.workspace.corpora import StoredCorpus

_ASSETS = Path(__file__).parent / "assets"
_STYLES = ("base.css", "report.css")
_SCRIPTS = ("scores", "state", "bar", "charts", "documents", "text", "strip", "main")
_TYPES = {"any": "Any boundary", "line": "Lines", "paragraph": "Paragraphs"}
_NOTICES = {
    "train": "The runs of this corpus were trained on this split: expect lower scores on other "
    "text.",
    "dev": "The epoch and the threshold of a run were chosen on dev, so these scores are "
    "optimistic. To see the scores on test: segtool report --split test.",
    "test": "The thresholds were chosen on dev, not here. Do not choose another threshold based "
    "on the scores on test.",
}
_COLUMNS = {
    "name": "Name",
    "f1": "F1",
    "precision": "Precision",
    "recall": "Recall",
    "pk": "Pk",
    "true": "Boundaries",
    "sentences": "Sentences",
}


def render_page(
    stored: StoredCorpus,
    part: Corpus,
    split: Split,
    groups: Sequence[Group],
    figures: Sequence[Figure],
    main_type: BoundaryType,
) -> str:
    """Return the HTML of a report, which needs no other file and loads nothing from the network.

    Args:
        stored: Corpus of the report.
        part: The split that was scored.
        split: Name of the split.
        groups: The scored runs and models.
        figures: Charts of the main type, in the order of `segclf.report.charts.make_figures`.
        main_type: Type of boundary that all systems predict.
    """
    systems = [system for group in groups for system in group.systems]
    style = "\n".join((_ASSETS / name).read_text(encoding="utf-8") for name in _STYLES)
    script = "\n".join((_ASSETS / f"{name}.js").read_text(encoding="utf-8") for name in _SCRIPTS)
    script = f'"use strict";\n{script}'
    types = list(dict.fromkeys(name for system in systems for name in system.types))
    evaluation = systems[0].types[main_type].evaluation
    title = ", ".join(group.label for group in groups)
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    template = environment.from_string((_ASSETS / "report.html.j2").read_text(encoding="utf-8"))
    return template.render(
        title=title,
        summary=f"{stored.name}, {split} split. Sentences: {evaluation.sentences:,}. "
        f"Boundaries: {evaluation.boundaries:,}. Documents: {len(part.document_ids):,}.",
        notice=_NOTICES[split],
        split=split,
        has_hint=split == "dev" and any(system.is_run for system in systems),
        language=stored.text_language,
        signs="¶ paragraph, ↵ line" if has_lines(part) else "¶ paragraph",
        figures=figures,
        type_suffix=f", {_TYPES[main_type].lower()}" if len(types) > 1 else "",
        draw=lambda figure: Markup(page_drawing(figure)),  # noqa: S704
        width=WIDTH,
        height=HEIGHT,
        documents_title=_documents_title(part),
        columns=_COLUMNS,
        has_several=len(groups) > 1,
        has_seeds=any(len(group.systems) > 1 for group in groups),
        tables=[_table(name, groups) for name in types],
        version=version("segtool"),
        date=date.today().isoformat(),
        data=Markup(_json_for_html(page_content(part, systems, main_type))),  # noqa: S704
        style=Markup(style),  # noqa: S704
        script=Markup(script),  # noqa: S704
        script_hash=_hash(script),
    )


def _documents_title(part: Corpus) -> str:
    if len(part.document_ids) == 1:
        return "Document"
    by_folder = folders_of(part.document_ids) != part.document_ids
    return "Authors or folders, best and worst" if by_folder else "Documents, best and worst"


def _table(boundary_type: BoundaryType, groups: Sequence[Group]) -> dict[str, Any]:
    """Return the scores of the systems that predict a type, and of the trivial baselines."""
    rows: list[dict[str, Any]] = []
    shown = [group for group in groups if boundary_type in group.systems[0].types]
    for group in shown:
        if len(group.systems) > 1:
            cells = [
                f"{mean:.3f} ± {spread:.3f}" for mean, spread in group.row(boundary_type).values()
            ]
            rows.append({"kind": "group", "label": group.label, "cells": cells})
        rows += [
            {
                "kind": "system" if len(group.systems) > 1 else "group",
                "label": system.name,
                "cells": _cells(_scores(system, boundary_type)),
            }
            for system in group.systems
        ]
    evaluation = shown[0].systems[0].types[boundary_type].evaluation
    rows += [
        {"kind": "baseline", "label": DESCRIPTIONS[name], "cells": _cells(scores.to_dict())}
        for name, scores in evaluation.baselines.items()
    ]
    caption = f"{_TYPES[boundary_type]}: {evaluation.boundaries:,} in the text"
    return {"caption": caption, "rows": rows}


def _scores(system: System, boundary_type: BoundaryType) -> dict[str, float]:
    return system.types[boundary_type].evaluation.scores.to_dict()


def _cells(scores: dict[str, float]) -> list[str]:
    return [f"{scores[name]:.3f}" for name in SCORE_NAMES]


def _json_for_html(content: Any) -> str:  # noqa: ANN401
    """Return JSON that is safe in a script element, whatever its strings contain."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _hash(script: str) -> str:
    """Return the hash by which the page's security policy allows this script and no other."""
    digest = hashlib.sha256(script.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"
