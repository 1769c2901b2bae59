"""Reports of several kinds, opened in a real Chromium.

These tests have the marker `browser` and run with `make test-browser` only.
"""

import json
import os
import random
import shutil
from dataclasses import dataclass, field

import pytest

from segclf import Workspace, embed, load_run, train
from segclf.corpus import read_corpus
from segclf.report.make import make_report
from segclf.training.options import TrainingOptions
from segclf.workspace.ready import load_ready_model
from tests.browser.serve_pages import Served
from tests.conftest import STORIES, serving


def pytest_collection_modifyitems(items):
    for item in items:
        if "tests/browser" in item.nodeid:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def chromium():
    """A browser; `$CHROMIUM` names an executable other than that of Debian."""
    from playwright.sync_api import sync_playwright

    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    assert path, "install Debian's package chromium, or set CHROMIUM"
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        yield browser
        browser.close()


@dataclass
class Opened:
    """A page in the browser, the errors in its console and its requests."""

    page: object
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def value(self, expression):
        return self.page.evaluate(expression)

    def scores(self):
        return self.value("result.scores")

    def shown(self, name):
        return float(self.page.locator(f"#score-{name} .value").inner_text())


@pytest.fixture
def open_page(chromium):
    """Open a page in its own context; at the end, check that it caused no error."""
    contexts, opened = [], []

    def open_file(path, **options):
        contexts.append(
            chromium.new_context(**{"viewport": {"width": 1400, "height": 900}, **options})
        )
        page = contexts[-1].new_page()
        opened.append(Opened(page))
        page.on("pageerror", lambda error: opened[-1].errors.append(str(error)))
        page.on("console", lambda message: opened[-1].errors.append(message.text))
        page.on("dialog", lambda dialog: opened[-1].errors.append(dialog.message))
        page.on("request", lambda request: opened[-1].requests.append(request.url))
        page.goto(path.as_uri())
        return opened[-1]

    yield open_file
    for one in opened:
        assert one.errors == []
        assert len(one.requests) == 1  # the page itself
    for context in contexts:
        context.close()


def write_corpus(path, documents, split="train"):
    """Write documents (name, sentences, labels) as JSON Lines."""
    with path.open("w", encoding="utf-8") as file:
        for name, sentences, labels in documents:
            record = {"id": name, "sentences": sentences, "labels": labels, "split": split(name)}
            file.write(json.dumps(record, ensure_ascii=False) + "\n")
    return path


@pytest.fixture(scope="session")
def typed(tmp_path_factory):
    """A workspace with typed stories, in one folder for each author, and two runs of each type."""
    folder = tmp_path_factory.mktemp("typed")
    stories = read_corpus(STORIES, split="train")
    documents = []
    for number, (name, (start, stop)) in enumerate(
        zip(stories.document_ids, stories.layout.documents, strict=True)
    ):
        sentences = stories.sentences[start:stop]
        labels = [
            int(is_boundary) * (1 if sentence.startswith("「") else 2)
            for sentence, is_boundary in zip(sentences, stories.labels[start:stop], strict=True)
        ]
        documents.append((f"author{number // 2}/{name}", sentences, labels))
    splits = ["train", "dev", "test", "test"]
    corpus = write_corpus(
        folder / "typed.jsonl", documents, lambda name: splits[int(name[len("author")])]
    )
    workspace = Workspace(folder / "work")
    embed(corpus, workspace, encoder_name="surface")
    for seed in (0, 1):
        train(workspace, TrainingOptions(head="mlp", window=1, epochs=3, seed=seed))
    embed(corpus, workspace, encoder_name="e5-small-paragraphs+surface")
    return workspace


@pytest.fixture(scope="session")
def runs_page(typed, tmp_path_factory):
    """A page of two runs, on dev."""
    path = tmp_path_factory.mktemp("pages") / "runs.html"
    make_report(typed, [load_run(typed, f"mlp-w1-00{n}") for n in (1, 2)], path)
    return path


@pytest.fixture(scope="session")
def model_page(typed, tmp_path_factory):
    """A page of a ready model with two heads, on test."""
    path = tmp_path_factory.mktemp("pages") / "model.html"
    make_report(typed, [load_ready_model("japanese")], path, split="test")
    return path


@pytest.fixture(scope="session")
def long_page(tmp_path_factory):
    """A page with 20,000 sentences by 40 authors."""
    folder = tmp_path_factory.mktemp("long")
    random.seed(0)
    words = [
        "雨",
        "駅",
        "彼は",
        "窓の外",
        "静かに",
        "見ていた",
        "歩いた",
        "「行こう」",
        "翌朝",
        "、",
    ]
    documents = [
        (
            f"author{number:02d}/work",
            ["".join(random.choices(words, k=random.randint(3, 25))) + "。" for _ in range(500)],
            [int(random.random() < 0.2) for _ in range(500)],
        )
        for number in range(42)
    ]
    splits = {"author40/work": "dev", "author41/work": "train"}
    corpus = write_corpus(folder / "long.jsonl", documents, lambda name: splits.get(name, "test"))
    workspace = Workspace(folder / "work")
    embed(corpus, workspace, encoder_name="surface")
    run = train(workspace, TrainingOptions(head="mlp", window=1, epochs=1))
    return make_report(workspace, [run], folder / "long.html", split="test").path


@pytest.fixture(scope="module")
def served(first_trained, tmp_path_factory):
    """A folder whose workspace has the run mlp-w1-001, for a server."""
    return shutil.copytree(first_trained, tmp_path_factory.mktemp("served") / "copy")


@pytest.fixture(scope="module")
def server(served):
    """The address of a server in the folder `served`."""
    with serving(served) as url:
        yield url


@pytest.fixture
def open_served(chromium, server):
    """Open the page in separate contexts; at the end, check that no error occurred."""
    contexts, opened = [], []

    def open_one(**options):
        size = {"viewport": {"width": 1400, "height": 900}}
        contexts.append(chromium.new_context(**{**size, **options}))
        page = contexts[-1].new_page()
        one = Served(page)
        opened.append(one)
        page.on("pageerror", lambda error: one.errors.append(str(error)))
        page.on("console", lambda message: one.errors.append(message.text))
        page.on("dialog", lambda dialog: one.errors.append(dialog.message))
        page.on("request", lambda request: one.requests.append(request.url))
        page.goto(server)
        return one

    yield open_one
    for one in opened:
        assert one.errors == []
        assert all(url.startswith((server, f"blob:{server}")) for url in one.requests)
    for context in contexts:
        context.close()
