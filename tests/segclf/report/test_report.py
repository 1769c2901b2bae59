"""The page of a report has the scores of `evaluate`, and its text cannot run as code."""

import base64
import hashlib
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from embedcache import UserError
from segclf import Workspace, embed, evaluate, load_run, train
from segclf.corpus.layout import Layout
from segclf.report import charts
from segclf.report.groups import group_by_seed
from segclf.report.make import make_report
from segclf.report.systems import score_systems
from segclf.scoring.decoding import decode
from segclf.scoring.metrics import score
from segclf.tasks.evaluation import select_split
from segclf.tasks.models import Compute
from segclf.training.options import TrainingOptions
from segclf.workspace.ready import ReadyModel
from segclf.workspace.runs import Run
from tests.conftest import STORIES
from tests.segclf.report.conftest import write_typed
from tests.segclf.report.pages import Page, labels_of, probabilities_of

HOSTILE = [
    "</script><script>alert(1)</script>",
    "<!--<script>",
    '"><img src=x onerror=alert(2)>',
    "{{ 7 * 7 }} {% raw %} &lt;b&gt; &amp;",
    "\\u003c/script> \u202etxt.exe \u200b",
    "javascript:alert(3)",
]


def test_each_of_twelve_systems_has_a_colour_of_its_own():
    styles = (Path(charts.__file__).parent / "assets/base.css").read_text()
    named = re.findall(r"--series-\d+: light-dark\((#\w+), (#\w+)\)", styles)
    light, dark = zip(*named, strict=True)
    assert light == charts.SERIES
    assert len(set(light)) == len(set(dark)) == 12


def cells(scores):
    return [f"{value:.3f}" for value in scores.to_dict().values()]


@pytest.mark.parametrize("split", ["dev", "test"])
def test_the_page_shows_the_scores_of_eval(workspace, tmp_path, split):
    run = load_run(workspace, "mlp-w1-001")
    make_report(workspace, [run], tmp_path / "page.html", split=split)
    page = Page(tmp_path / "page.html")
    scored = evaluate(workspace, run, split=split)
    assert page.row("mlp-w1-001") == cells(scored.scores)
    assert page.row("a boundary before every sentence") == cells(scored.baselines["everywhere"])
    assert page.row("boundaries at regular intervals") == cells(scored.baselines["even"])


def test_the_page_contains_what_is_needed_to_score_the_text_again(workspace, tmp_path):
    run = load_run(workspace, "mlp-w1-001")
    make_report(workspace, [run], tmp_path / "page.html")
    data = Page(tmp_path / "page.html").data
    part = select_split(workspace.load_corpus(), "dev", "any")
    assert data["sentences"] == part.sentences
    assert [own["name"] for own in data["documents"]] == part.document_ids
    head = data["systems"][0]["heads"]["any"]
    offsets = np.array([0, *(document["stop"] for document in data["documents"])])
    layout = Layout(labels_of(data["types"]["any"]["labels"]), offsets)
    predicted = decode(layout, probabilities_of(head), head["thresholds"][0])
    assert score(layout, predicted) == evaluate(workspace, run, split="dev").scores


def test_a_page_needs_no_other_file_and_may_not_load_one(workspace, tmp_path):
    make_report(workspace, [load_run(workspace)], tmp_path / "page.html")
    page = Page(tmp_path / "page.html")
    for tag, attributes in page.tags:
        assert tag not in ("link", "iframe", "object", "img", "base", "form")
        assert "src" not in attributes
        assert attributes.get("href", "#").startswith("#")
        assert not any(name.startswith("on") for name in attributes)
    assert "http" not in re.sub(r"http-equiv|http://www.w3.org/2000/svg", "", page.text)
    (policy,) = [own["content"] for tag, own in page.tags if own.get("http-equiv")]
    script = page.scripts[1].encode()
    digest = base64.b64encode(hashlib.sha256(script).digest()).decode()
    assert policy.startswith(f"default-src 'none'; script-src 'sha256-{digest}'; ")
    assert len(page.scripts) == 2


def test_hostile_text_and_names_stay_text(tmp_path):
    workspace = Workspace(tmp_path / "work")
    names = ["train", "<b onclick=alert(4)>&amp;", "</title><script>alert(5)</script>"]
    sentences = {name: [f"{text} {name}" for text in HOSTILE * 5] for name in names}
    corpus = write_typed(tmp_path / "<i>corpus & more.jsonl", sentences)
    embed(corpus, workspace, encoder_name="surface", name="<i>corpus & more")
    run = train(workspace, TrainingOptions(head="mlp", window=1, epochs=1))
    renamed = run.path.rename(run.path.parent / "<img src=x> {{ 1 }} & $&")
    made = make_report(
        workspace,
        [load_run(workspace, renamed.name)],
        tmp_path / "page.html",
        figures=tmp_path / "figures",
    )
    page = Page(made.path)
    assert page.data["sentences"] == [f"{text} {names[1]}" for text in HOSTILE * 5]
    assert page.data["documents"][0]["name"] == names[1]
    assert len(page.scripts) == 2
    assert "img" not in {tag for tag, _ in page.tags}
    assert page.row("<img src=x> {{ 1 }} & $&")
    assert all(not name.startswith("on") for _, own in page.tags for name in own)


def test_runs_that_differ_in_the_seed_are_summarized(workspace, tmp_path):
    runs = [load_run(workspace, name) for name in ("mlp-w1-001", "mlp-w1-002")]
    make_report(workspace, runs, tmp_path / "page.html")
    page = Page(tmp_path / "page.html")
    f1 = [evaluate(workspace, run, split="dev").scores.f1 for run in runs]
    summary = page.row("mlp, window 1: 2 runs")
    assert summary[2] == f"{np.mean(f1):.3f} ± {np.std(f1, ddof=1):.3f}"
    assert [page.row(run.name)[2] for run in runs] == [f"{value:.3f}" for value in f1]
    assert [system["name"] for system in page.data["systems"]] == [run.name for run in runs]


def test_labels_of_systems_differ(tmp_path):
    workspace = Workspace(tmp_path / "workspace")
    options = [TrainingOptions(head="mlp", window=1, epochs=1, seed=seed) for seed in (0, 1)]
    runs = []
    for encoder in ("surface", "static-paragraphs"):
        embed(STORIES / "eki.txt", workspace, encoder_name=encoder)
        runs += [train(workspace, own, encoder_name=encoder) for own in options]
    for name in (runs[0].name, runs[1].name):
        runs += [train(workspace, own, encoder_name="surface", start=name) for own in options]
    _, systems = score_systems(
        workspace, runs, split="dev", corpus_name=None, compute=Compute(threads=1)
    )
    start = replace(systems[-1].run.record.start, weights="of an earlier run of this name")
    for system in systems[4:6]:
        record = replace(system.run.record, start=start)
        systems.append(replace(system, name=f"{system.name}-b", run=Run(system.run.path, record)))
    assert [group.label for group in group_by_seed(systems)] == [
        "mlp, window 1, surface: 2 runs",
        "mlp, window 1, static-paragraphs: 2 runs",
        f"mlp, window 1, from {runs[0].name}, surface: 2 runs",
        f"mlp, window 1, from {runs[1].name}, surface, {systems[6].name}: 2 runs",
        f"mlp, window 1, from {runs[1].name}, surface, {systems[8].name}: 2 runs",
    ]


def test_charts_are_written_as_files(workspace, tmp_path):
    made = make_report(
        workspace, [load_run(workspace)], tmp_path / "page.html", figures=tmp_path / "figures"
    )
    names = ["precision-recall", "thresholds", "comparison", "reliability", "lengths", "history"]
    assert [path.name for path in made.figures] == [
        f"{name}.{suffix}" for name in names for suffix in ("svg", "png")
    ]
    for path in made.figures:
        start = b"<svg" if path.suffix == ".svg" else b"\x89PNG"
        assert path.read_bytes().startswith(start)
    history = (tmp_path / "figures/history.svg").read_text(encoding="utf-8")
    assert re.findall(r"<text[^>]*>(\d)</text>", history)[:2] == ["1", "2"]
    elements = [own.get("id") for tag, own in Page(made.path).tags if tag == "figure"]
    assert sorted(elements) == sorted(names)


def test_only_comparable_runs_share_a_page(workspace, tmp_path):
    run = load_run(workspace)
    other = Workspace(tmp_path / "other")
    embed(STORIES / "eki.txt", other, encoder_name="surface")
    foreign = train(other, TrainingOptions(head="mlp", window=2, epochs=1))
    for second, message in (
        (run, "mlp-w1-002 is given twice: name each run or model once"),
        (foreign, "mlp-w2-001 on eki: choose runs trained on the same corpus"),
    ):
        with pytest.raises(UserError, match=message):
            make_report(workspace, [run, second], tmp_path / "page.html")
    assert not (tmp_path / "page.html").exists()


def test_a_model_for_any_boundary_is_shown_beside_a_run_for_paragraphs(tmp_path):
    workspace = Workspace(tmp_path / "workspace")
    sentences = [f"雨が{number}日降った。" for number in range(24)]
    with (tmp_path / "paragraphs.jsonl").open("w", encoding="utf-8") as file:
        for split in ("train", "dev", "test"):
            labels = [2 if number % 4 == 0 else 0 for number in range(24)]
            record = {"id": split, "sentences": sentences, "labels": labels, "split": split}
            file.write(json.dumps(record | {"typed": True}) + "\n")
    embed(tmp_path / "paragraphs.jsonl", workspace, encoder_name="surface")
    options = TrainingOptions(head="mlp", window=1, epochs=1)
    run = train(workspace, replace(options, boundary_type="paragraph"))
    other = train(workspace, options)
    model = ReadyModel(other.path, "Any boundary", ("ja",), {"any": other})
    make_report(workspace, [run, model], tmp_path / "page.html")
    page = Page(tmp_path / "page.html")
    assert page.data["main_type"] == "paragraph"
    assert page.row(run.name) == cells(evaluate(workspace, run, split="dev").scores)
    assert page.row(model.name, 1) == page.row(model.name)


def test_runs_for_different_types_do_not_share_a_page(tmp_path):
    workspace = Workspace(tmp_path / "work")
    documents = {name: [f"{name} {i}." for i in range(40)] for name in ("a/1", "b/2", "b/3")}
    embed(write_typed(tmp_path / "typed.jsonl", documents), workspace, encoder_name="surface")
    options = TrainingOptions(head="mlp", window=1, epochs=1)
    first = train(workspace, options)
    second = train(workspace, TrainingOptions(**(vars(options) | {"boundary_type": "paragraph"})))
    with pytest.raises(UserError, match="choose runs of the same type"):
        make_report(workspace, [first, second], tmp_path / "page.html")
    make_report(workspace, [second], tmp_path / "page.html", split="test")
    data = Page(tmp_path / "page.html").data
    assert data["main_type"] == "paragraph"
    assert data["kinds"].startswith("2001201")
    assert list(data["types"]) == ["paragraph"]


@pytest.mark.filterwarnings("error")
def test_a_split_without_a_boundary_to_find_has_a_page_without_its_curves(tmp_path):
    workspace = Workspace(tmp_path / "workspace")
    documents = [
        ("train", [int(i % 3 == 0) for i in range(40)]),
        ("dev", [int(i % 3 == 0) for i in range(40)]),
        ("test", [1, 0, 0]),
    ]
    with (tmp_path / "short.jsonl").open("w", encoding="utf-8") as file:
        for number, (split, own) in enumerate(documents):
            sentences = [f"Sentence {number} {i}." for i in range(len(own))]
            record = {"id": str(number), "sentences": sentences, "labels": own, "split": split}
            file.write(json.dumps(record) + "\n")
    embed(tmp_path / "short.jsonl", workspace, encoder_name="surface")
    runs = [
        train(workspace, TrainingOptions(head="mlp", window=window, epochs=1)) for window in (1, 2)
    ]
    for shown in (runs[:1], runs):
        made = make_report(
            workspace, shown, tmp_path / "page.html", split="test", figures=tmp_path / "figures"
        )
        page = Page(made.path)
        for run in shown:
            assert page.row(run.name) == cells(evaluate(workspace, run, split="test").scores)
        assert page.text.count("There is no curve") == 4  # in two captions, each given twice
        assert "NaN" not in page.text
        assert sorted(own["id"] for tag, own in page.tags if tag == "figure") == [
            "comparison", "history", "lengths", "precision-recall", "reliability", "thresholds"
        ]  # fmt: skip
