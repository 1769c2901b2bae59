"""The JSON API of `segtool serve`, in a real server process."""

import json
import shutil
import threading

import pytest

from segclf import Workspace, load_run
from segclf.corpus import read_corpus
from segclf.tasks.segment import Segmenter
from segclf.tasks.segment_options import SegmentOptions
from segclf.workspace.files import write_checked_json
from tests.conftest import STORIES

TEXT = "# Rain\r\n\r\n" + "雨が降る。「寒い。」と言った。😀夜になった。\r\n" * 50
RUN = "mlp-w1-001"


@pytest.fixture(scope="module")
def segmenter(served):
    workspace = Workspace(served / ".segtool")
    return Segmenter(workspace, load_run(workspace, RUN))


@pytest.mark.parametrize("options", [{}, {"threshold": 0.2}, {"paragraphs": 9}, {"max_length": 2}])
def test_a_text_is_split_in_the_same_way_as_by_the_command(client, segmenter, options):
    found = client.ask("/api/segment", {"text": TEXT, "model": RUN, **options})
    expected = segmenter.segment(TEXT, SegmentOptions(**options))
    assert [one["boundary"] for one in found["sentences"]] == expected.boundaries.tolist()
    for one, sentence in zip(found["sentences"], expected.sentences, strict=True):
        assert (one["text"], one["start"], one["end"]) == sentence
    assert found["model"] == RUN
    assert found["threshold"] == expected.threshold
    assert found["language"] == "ja"
    assert found["count"] == len(found["sentences"]) > 128
    assert len(found["notes"]) == 1
    kinds = [one["kind"] for one in found["sentences"][:4]]
    assert kinds == ["heading", "paragraph", "line", "paragraph"]
    assert [one["fixed"] for one in found["sentences"][:3]] == [True, True, False]


def test_a_stream_has_the_same_sentences(client):
    body = {"text": TEXT, "model": RUN}
    response, data = client.send(
        "POST", "/api/segment/stream", json.dumps(body), Content_Type="application/json"
    )
    assert response.headers["Content-Type"] == "application/x-ndjson"
    header, *sentences, end = map(json.loads, data.decode().splitlines())
    assert end == {"done": True}
    assert {**header, "sentences": sentences} == client.ask("/api/segment", body)


def test_a_corrected_text_is_written_in_each_format(client, segmenter):
    found = client.ask("/api/segment", {"text": TEXT, "model": RUN, "threshold": 1})
    assert found["sentences"][2]["text"].startswith("「寒い。」")
    for number, kind in ((2, "line"), (7, "paragraph")):
        found["sentences"][number] |= {"boundary": True, "kind": kind}
    body = {name: found[name] for name in ("language", "model", "threshold", "sentences")}

    def written(format_name):
        status, data = client.post("/api/write", {**body, "text": TEXT, "format": format_name})
        assert status == 200
        return data.decode()

    page = written("page").split("\r\n")
    assert page[0] == "# Rain"
    assert page[2].startswith("　雨が降る。")
    assert page[3].startswith("「寒い。」")
    assert len(page) == 6
    assert written("text").count("\r\n\r\n") == 3
    assert written("html").count("<p") == 3
    assert '<p class="line">' in written("html")
    body["layout"] = "keep"
    assert written("text").replace("\r\n", "").startswith("# Rain雨が降る。")
    assert written("text").count("\r\n") > 50  # the lines of the text
    as_json = json.loads(written("json"))
    assert as_json["text"] == TEXT
    assert [one["boundary"] for one in as_json["sentences"]].count(True) == 4


def test_sentences_outside_the_text_are_refused(client):
    sentence = {"text": "a", "start": 0, "end": 5, "probability": 1, "boundary": True}
    body = {"format": "page", "language": "en", "text": "abcde"}
    for start, end in ((0, 6), (3, 3)):
        bad = sentence | {"kind": "paragraph", "start": start, "end": end}
        assert "overlaps another or is outside" in client.refused(
            "/api/write", {**body, "sentences": [bad]}
        )
    twice = [sentence | {"kind": "paragraph"}] * 2
    assert "overlaps another or is outside" in client.refused(
        "/api/write", {**body, "sentences": twice}
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [("language", "\ud800"), ("model", "\ud800"), ("probability", 1e300), ("probability", -1)],
)
def test_values_that_cannot_be_written_are_refused(client, field, value):
    sentence = {"text": "A.", "start": 0, "end": 2, "probability": 1, "boundary": True}
    body = {"format": "json", "language": "en", "text": "A.", "model": RUN}
    (sentence if field == "probability" else body)[field] = value
    body["sentences"] = [sentence | {"kind": "paragraph"}]
    assert field in client.refused("/api/write", body)


def test_a_boundary_is_explained_by_leaving_sentences_out(client):
    sentences = ["雨が降る。", "風も吹く。", "「寒い。」", "夜になった。"]
    found = client.ask("/api/explain", {"sentences": sentences, "position": 2, "model": RUN})
    assert found["head"] == "any"
    assert [one["sentence"] for one in found["left_out"]] == [1, 2]
    assert all(0 <= one["probability"] <= 1 for one in [found, *found["left_out"]])
    detail = client.refused("/api/explain", {"sentences": sentences, "position": 4, "model": RUN})
    assert detail == "position is 4: use 1 to 3"


def test_fast_models_are_chosen_by_name_or_by_language(client):
    by_language = client.ask("/api/segment", {"text": TEXT, "fast": True})
    assert by_language["model"] == "japanese-fast"
    by_name = client.ask("/api/segment", {"text": TEXT, "model": "japanese-fast"})
    assert by_name["sentences"] == by_language["sentences"]


def test_a_run_that_was_replaced_is_loaded_again(client, served):
    folder = shutil.copytree(served / ".segtool/runs" / RUN, served / ".segtool/runs/other-001")
    body = {"text": TEXT, "model": folder.name}
    record = json.loads((folder / "run.json").read_text())
    assert client.ask("/api/segment", body)["threshold"] == record["threshold"]
    write_checked_json(folder / "run.json", record | {"threshold": 0.875})
    assert client.ask("/api/segment", body)["threshold"] == 0.875
    shutil.rmtree(folder)


def test_a_fast_model_is_adapted(client):
    corpus = read_corpus(STORIES / "eki.txt", split="train")
    text = {"sentences": corpus.sentences, "labels": corpus.labels.astype(int).tolist()}
    made = client.ask("/api/adapt", {"texts": [text], "model": "japanese-fast"})
    assert made["start"] == "japanese-fast"
    _, listed = client.get("/api/models")
    (run,) = [one for one in json.loads(listed)["models"] if one["name"] == made["run"]]
    assert run["typed"]
    assert run["languages"] == ["ja"]
    assert client.ask("/api/segment", {"text": TEXT, "model": made["run"]})["model"] == made["run"]


def test_a_model_is_adapted_and_can_then_be_chosen(client, served):
    corpus = read_corpus(STORIES / "eki.txt", split="train")
    text = {"sentences": corpus.sentences, "labels": corpus.labels.astype(int).tolist()}
    made = client.ask("/api/adapt", {"texts": [text], "model": RUN, "language": "ja"})
    assert made["start"] == RUN
    assert made["sentences"] == len(corpus.sentences)
    assert made["boundaries"] == int(corpus.labels.sum())
    assert made["folds"] == 5
    assert made["scored"] == made["sentences"] - 5
    for scores in (made["before"], made["after"]):
        assert {"f1", "precision", "recall"} <= scores["types"]["any"].keys()
        assert list(scores["types"]) == ["any"]
        assert scores["errors"] >= 0
    assert not made["temporary"]
    assert (served / ".segtool" / "runs" / made["run"]).is_dir()
    _, listed = client.get("/api/models")
    models = {one["name"]: one for one in json.loads(listed)["models"]}
    assert models["japanese"]["typed"]
    assert {name for name in models if models[name]["fast"]} == {"european-fast", "japanese-fast"}
    assert models[made["run"]]["is_run"]
    assert models[made["run"]]["adaptable"]
    assert client.ask("/api/segment", {"text": TEXT, "model": made["run"]})["model"] == made["run"]


@pytest.mark.parametrize(
    ("path", "body", "detail"),
    [
        ("segment", {"text": " "}, "the text contains no sentences: nothing to segment"),
        ("segment", {"text": "A.", "model": "../../etc"}, "no model '../../etc'; existing models"),
        ("segment", {"text": "A.", "model": "runs/x"}, "no model 'runs/x'"),
        ("segment", {"text": "A.", "model": "japanese", "fast": True}, "fast has no effect"),
        ("segment", {"text": "A.", "language": "xx"}, "xx"),
        ("segment", {"text": "A.", "threshold": 2}, "threshold is 2"),
        ("segment", {"text": "A. B.", "paragraphs": 5}, "paragraphs is 5"),
        ("segment", {"text": "\ud800"}, "body.text"),
        ("segment", {"text": "A.", "model": "\ud800"}, "body.model"),
        ("segment", {"text": "A.", "language": "\ud800"}, "body.language"),
        ("segment", {"text": 5}, "body.text: Input should be a valid string"),
        ("segment", {"text": "A.", "path": "/etc/passwd"}, "body.path: Extra inputs"),
        ("explain", {"sentences": ["A."], "position": 1}, "body.sentences"),
        ("adapt", {"texts": [{"sentences": ["A."], "labels": [1]}]}, "check at least 20"),
        (
            "adapt",
            {"texts": [{"sentences": ["A."], "labels": []}]},
            "sentences has length 1, but labels has length 0",
        ),
        ("adapt", {"texts": [{"sentences": ["A."], "labels": [7]}]}, "body.texts.0.labels.0"),
        ("adapt", {"texts": [{"sentences": [" "], "labels": [1]}]}, "a sentence is empty"),
    ],
)
def test_a_mistake_gets_one_clear_line(client, path, body, detail):
    assert detail in client.refused(f"/api/{path}", {"model": RUN, **body})


def test_the_text_of_a_file_is_read_whatever_its_encoding(client):
    japanese = "雨が降る。風も吹く。\n" * 20
    for encoding in ("utf-8", "shift_jis", "utf-16"):
        response, data = client.send("POST", "/api/read", japanese.encode(encoding))
        assert response.status == 200
        assert json.loads(data)["text"] == japanese
    segmented = b'{"paragraphs": ["It rained."]}\n'
    for unreadable in (b"%PDF-1.7\n\x00\x01", bytes(range(128, 256)), segmented):
        response, data = client.send("POST", "/api/read", unreadable)
        assert response.status == 422
        detail = json.loads(data)["detail"]
        assert detail.startswith("the file")
        assert "--" not in detail  # the page has no options of the command line


@pytest.mark.parametrize(
    ("content", "headers", "status", "detail"),
    [
        ('{"text": "A."}', {}, 422, "send JSON, with the header Content-Type: application/json"),
        ("text=A.", {"Content_Type": "application/x-www-form-urlencoded"}, 422, "send JSON"),
        ("[]", {"Content_Type": "application/json; charset=utf-8"}, 422, "body: Input should be"),
        ("\xff", {"Content_Type": "application/json"}, 400, "There was an error parsing the body"),
    ],
)
def test_a_body_that_is_not_a_json_object_is_refused_as_described(
    client, content, headers, status, detail
):
    response, data = client.send("POST", "/api/segment", content.encode("latin-1"), **headers)
    assert response.status == status
    assert json.loads(data)["detail"].startswith(detail)
    described = json.loads(client.get("/openapi.json")[1])
    assert str(status) in described["paths"]["/api/segment"]["post"]["responses"]


def test_parallel_requests_get_their_own_responses(client):
    answers = {}

    def ask(number):
        text = f"The number is {number}. It rained. " * 200
        answers[number] = client.ask("/api/segment", {"text": text, "model": RUN})

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number, answer in answers.items():
        assert len(answer["sentences"]) == 400
        assert answer["sentences"][0]["text"] == f"The number is {number}."
