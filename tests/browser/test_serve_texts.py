"""Several texts on the page of `segtool serve`: switching, their options, interrupted requests."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.browser.serve_pages import RUN, TEXT, Served

SHORT = "雨が降る。「寒い。」と彼は言った。夜になった。窓が鳴る。" * 8
ENGLISH = "It rained all day. Nobody went out. The dog slept by the fire. Night came early. " * 8
LONG = TEXT * 60  # 4,200 sentences, which are read in 33 parts


def while_reading(page, act):
    """Split LONG, and run a script when the first sentences have arrived; return how many."""
    return page.evaluate(
        f"""async (source) => {{
            document.getElementById("source").value = source;
            document.forms.input.requestSubmit();
            const {{ state }} = await import("/assets/state.js");
            const frame = () => new Promise(requestAnimationFrame);
            while (!state.current?.sentences.length) await frame();
            const text = state.current;
            const before = [text.sentences.length, text.header.count];
            {act}
            return before;
        }}""",
        LONG,
    )


def open_files(opened, tmp_path, **texts):
    for name, text in texts.items():
        (tmp_path / f"{name}.txt").write_text(text, encoding="utf-8")
    opened.choose(RUN)
    opened.page.locator("#files").set_input_files([tmp_path / f"{name}.txt" for name in texts])
    opened.page.locator("#texts option").nth(len(texts) - 1).wait_for(state="attached")
    wait_until(opened, "state.texts.every(({ isComplete }) => isComplete)")


def wait_until(opened, expression):
    for _ in range(3000):
        if opened.value(expression):
            return
        opened.page.wait_for_timeout(100)
    raise AssertionError(expression)


def wait_until_read(opened):
    wait_until(opened, "text.isComplete")


def test_a_text_whose_request_was_replaced_is_read_again(open_served):
    opened = open_served()
    opened.choose(RUN)
    act = f"""document.getElementById("new").click();
        document.getElementById("source").value = "{SHORT}";
        document.forms.input.requestSubmit();"""
    read, count = while_reading(opened.page, act)
    assert read < count
    wait_until_read(opened)
    assert opened.page.locator("#texts option").all_inner_texts() == [
        "Pasted text",
        "Pasted text (2)",
    ]
    opened.page.locator("#texts").select_option("Pasted text")
    assert opened.page.get_by_role("button", name="HTML").is_disabled()  # until it is complete
    wait_until_read(opened)
    assert opened.value("text.sentences.length") == count
    opened.page.get_by_role("button", name="HTML", disabled=False).wait_for()


def test_corrections_outlast_models_that_are_changed_before_the_text_is_read(open_served):
    opened = open_served()
    opened.choose(RUN)
    again = """const model = document.getElementById("model");
        const change = async (name) => {
            model.value = name;
            model.dispatchEvent(new Event("change"));
            const { header } = text;
            while (text.header === header || !text.sentences.length) await frame();
        };"""
    act = f"""text.corrections.set(1, {{ boundary: true, kind: "paragraph" }});
        while (!text.isComplete) await frame();
        {again}
        await change("japanese-fast");
        text.corrections.set(2, {{ boundary: true, kind: "line" }});
        await change("{RUN}");"""
    while_reading(opened.page, act)
    wait_until_read(opened)
    assert opened.page.locator("#answered").inner_text() == RUN
    assert opened.value("[...text.corrections.keys()]") == [1, 2]
    assert opened.page.locator("#message").is_hidden()


def test_another_model_does_not_leave_the_input_and_a_button_returns_to_the_text(open_served):
    opened = open_served()
    back = opened.page.get_by_role("button", name="Back to the text")
    assert back.is_hidden()
    opened.split()
    opened.mark(opened.inner()).click()
    opened.page.get_by_role("button", name="New text").click()
    opened.choose("japanese-fast")
    opened.page.wait_for_timeout(1000)
    assert opened.page.locator("#source").is_visible()
    back.click()
    assert opened.page.locator("#book").is_visible()
    assert opened.value("text.corrections.size") == 1
    assert opened.page.evaluate("document.activeElement.id") == "book"


def test_the_reasons_are_those_of_the_text_that_is_shown(open_served, tmp_path):
    opened = open_served()
    open_files(opened, tmp_path, a=TEXT, b=SHORT)
    shown = {}
    for name, i in (("a.txt", 9), ("b.txt", 5)):
        opened.page.locator("#texts").select_option(name)
        opened.page.locator(".s").nth(i).click()
        opened.page.locator("#effects li").first.wait_for()
        shown[name] = opened.page.locator("#effects").inner_text()
    opened.page.locator("#texts").select_option("a.txt")
    opened.page.locator("#effects li").first.wait_for()
    assert opened.page.locator("#excerpt").inner_text() == opened.value("text.sentences[9].text")
    assert opened.page.locator("#effects").inner_text() == shown["a.txt"]


def test_an_empty_file_does_not_stop_the_others(open_served, tmp_path):
    opened = open_served()
    open_files(opened, tmp_path, a=TEXT, b=SHORT)
    opened.page.get_by_role("button", name="New text").click()
    paths = [tmp_path / f"{name}.txt" for name in "xab"]
    paths[0].write_text("")
    opened.page.locator("#files").set_input_files(paths)
    opened.page.locator("#title").get_by_text("a.txt (2)").wait_for()
    wait_until_read(opened)
    assert "".join(opened.paragraphs()) == TEXT
    assert opened.page.locator("#message").inner_text().startswith("x.txt: the text contains no")
    opened.errors = [text for text in opened.errors if "422" not in text]


def test_the_options_of_a_text_stay_with_it(open_served, tmp_path):
    opened = open_served()
    opened.page.locator("#layout").select_option("keep")
    opened.split("雨が降る。\n\n" + SHORT)
    assert opened.value("text.sentences[1].fixed")
    opened.page.get_by_role("button", name="New text").click()
    opened.page.locator("#layout").select_option("ignore")
    opened.page.locator("#language").select_option("en")
    opened.page.get_by_role("button", name="Back to the text").click()
    opened.choose("japanese-fast")
    opened.page.locator("#answered").get_by_text("japanese-fast").wait_for()
    wait_until_read(opened)
    assert opened.value("text.sentences[1].fixed")
    assert opened.value("text.header.language") == "ja"


def test_only_texts_in_the_language_of_the_current_one_are_trained_on(open_served, tmp_path):
    opened = open_served()
    open_files(opened, tmp_path, ja=TEXT, en=ENGLISH)
    train = opened.page.get_by_role("button", name="Train")
    opened.page.get_by_role("button", name="All checked").click()
    sentences = opened.value("text.sentences.length")
    assert f"Checked: {sentences} of {sentences}" in opened.page.locator("#corrected").inner_text()
    assert train.is_enabled()
    opened.page.locator("#texts").select_option("en.txt")
    assert train.is_disabled()


def test_a_model_is_not_trained_twice_at_a_time(open_served):
    opened = open_served()
    opened.split()
    opened.page.get_by_role("button", name="All checked").click()
    train = opened.page.get_by_role("button", name="Train")
    disabled = """() => {
        document.getElementById("train").click();
        document.getElementById("undo").click();  // which paints the corrections again
        document.getElementById("check-all").click();
        return document.getElementById("train").disabled;
    }"""
    assert opened.page.evaluate(disabled)
    opened.page.locator("#trained table").wait_for(timeout=120_000)
    assert train.is_enabled()


def test_the_button_keeps_the_focus_while_a_model_is_trained(open_served):
    opened = open_served()
    opened.split(SHORT[:40])
    opened.page.get_by_role("button", name="All checked").click()
    opened.page.get_by_role("button", name="Train").press("Enter")
    opened.page.locator("#trained").get_by_text("check at least 20").wait_for()
    assert opened.page.evaluate("document.activeElement.id") == "train"
    opened.errors = [text for text in opened.errors if "422" not in text]


def test_leaving_the_page_asks_once_there_are_corrections(open_served, server):
    opened = open_served()
    opened.split()
    opened.page.goto(server)
    assert opened.errors == []
    opened.split()
    opened.mark(opened.inner()).click()
    asked = []
    opened.page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    opened.page.goto(server)
    assert asked == ["beforeunload"]
    opened.errors.remove("")  # what the dialog says


@pytest.mark.parametrize("moment", ["before", "while"])
def test_a_stopped_server_is_reported(moment, chromium, served):
    command = [Path(sys.executable).parent / "segtool", "serve", "--no-browser", "--port", "0"]
    with subprocess.Popen(command, cwd=served, stderr=subprocess.PIPE, text=True) as process:
        url = re.match(r"http://\S+", process.stderr.readline())[0]
        page = chromium.new_page()
        page.goto(url)
        opened = Served(page)
        opened.choose(RUN)
        if moment == "before":
            process.kill()
            opened.page.locator("#source").fill(LONG)
            opened.page.get_by_role("button", name="Split into paragraphs").click()
            expected = "The server does not respond: start segtool serve again."
        else:
            page.expose_function("stopServer", process.kill)
            while_reading(page, "await stopServer();")
            expected = "The server stopped before the end of the text."
        page.locator("#message").get_by_text(expected).wait_for()
        assert page.locator("#message").inner_text() == expected
        page.close()


def test_the_text_is_printed_without_controls(open_served):
    opened = open_served()
    opened.split()
    opened.page.keyboard.press("v")
    opened.page.emulate_media(media="print")
    for selector in ("header", ".panel", ".side", "#strip", "#new", ".mark >> nth=1"):
        assert opened.page.locator(selector).is_hidden()
    assert opened.page.locator("#title").is_visible()
    mode = "getComputedStyle(document.getElementById('book')).writingMode"
    assert opened.page.evaluate(mode) == "horizontal-tb"
