"""The page of `segtool serve`: threshold, effects of neighbours, keyboard, phone, hostile text."""

import json

import pytest

from tests.browser.policy import check_policy
from tests.browser.serve_pages import RUN, TEXT
from tests.browser.test_page import PHONE
from tests.segclf.report.test_report import HOSTILE


def test_a_pasted_text_is_shown_as_the_model_splits_it(open_served, server):
    opened = open_served()
    opened.split()
    done = opened.page.request.post(
        f"{server}api/segment",
        data=json.dumps({"text": TEXT, "model": RUN}),
        headers={"Content-Type": "application/json"},
    )
    sentences = done.json()["sentences"]
    starts = [i for i, one in enumerate(sentences) if one["boundary"]]
    assert opened.value("blocks.map(({ start }) => start)") == starts
    assert "".join(opened.paragraphs()) == TEXT
    assert sum(map(int, opened.sections())) == len(starts)
    assert opened.page.locator("#answered").inner_text() == RUN


def test_an_example_is_split_with_the_model_of_its_language(open_served):
    opened = open_served()
    opened.page.get_by_role("button", name="日本語").click()
    opened.page.locator("#book p.line").first.wait_for(timeout=300_000)  # converts the encoder
    assert opened.page.locator("#answered").inner_text() == "japanese"
    assert opened.page.locator("#book").get_attribute("lang") == "ja"
    assert "lines" in opened.page.locator("#counts").inner_text()


def test_a_fast_model_is_chosen_by_language_or_by_name(open_served):
    opened = open_served()
    opened.split(model="/fast")
    assert opened.page.locator("#answered").inner_text() == "japanese-fast"
    found = opened.paragraphs()
    opened.choose(RUN)
    opened.page.locator("#answered").get_by_text(RUN).wait_for()
    opened.choose("japanese-fast")
    opened.page.locator("#answered").get_by_text("japanese-fast").wait_for()
    opened.page.locator("#progress").wait_for(state="hidden")
    opened.page.wait_for_timeout(300)
    assert opened.paragraphs() == found


def test_dragging_the_threshold_moves_the_paragraphs(open_served):
    opened = open_served()
    opened.split()
    before = opened.paragraphs()
    opened.drag_threshold(1)
    assert len(opened.paragraphs()) < len(before)
    assert "".join(opened.paragraphs()) == TEXT
    opened.drag_threshold(0.02)
    assert len(opened.paragraphs()) > len(before)
    opened.page.get_by_role("button", name="Reset").click()
    opened.page.wait_for_timeout(100)
    assert opened.paragraphs() == before
    slider = opened.page.locator("#threshold")
    slider.focus()
    value = float(slider.input_value())
    opened.page.keyboard.press("ArrowRight")
    opened.page.wait_for_timeout(100)
    assert opened.value("text.moved") == pytest.approx(value + 0.001, abs=6e-4)


def test_a_click_on_a_sentence_shows_the_effects_of_its_neighbours(open_served):
    opened = open_served()
    opened.split()
    opened.page.locator(".s").nth(20).click()
    opened.page.locator("#effects li").first.wait_for()
    assert opened.page.locator("#effects li").count() == 2  # the window of the run is 1
    assert opened.page.locator("#excerpt").inner_text() == opened.value("text.sentences[20].text")
    shown = opened.value("text.sentences[20].probability.toFixed(2)")
    assert shown in opened.page.locator("#verdict").inner_text()
    assert shown in opened.page.locator("#status").inner_text()
    for number in opened.page.locator("#effects .number").all_inner_texts():
        assert 0 <= float(number.split()[0]) <= 1
    opened.page.locator(".s").first.click()
    assert "whatever the threshold" in opened.page.locator("#verdict").inner_text()
    assert not opened.page.locator("#left-out").is_visible()


def test_the_page_is_used_with_the_keyboard_only(open_served):
    opened = open_served()
    opened.choose(RUN)
    keyboard = opened.page.keyboard
    opened.page.locator("#source").focus()
    keyboard.insert_text(TEXT)
    keyboard.press("j")  # types a letter
    keyboard.press("Tab")
    keyboard.press("Enter")
    opened.page.locator("#book p").first.wait_for()
    opened.page.locator("#progress").wait_for(state="hidden")
    reached = []
    for _ in range(30):
        keyboard.press("Tab")
        reached.append(opened.page.evaluate("document.activeElement.id"))
    order = ["check-all", "threshold", "uncertain", "vertical", "new", "book"]
    assert [name for name in dict.fromkeys(reached) if name in order] == order
    keyboard.press("j")
    keyboard.press("j")
    keyboard.press("j")
    assert opened.value("text.selected") == 2
    keyboard.press("k")
    assert opened.value("text.selected") == 1
    keyboard.press("n")
    i = opened.value("text.selected")
    distance = f"Math.abs(text.sentences[{i}].probability - own.thresholdOf(text))"
    assert opened.value(distance) <= 0.2
    began = opened.begins(i)
    keyboard.press("b")
    assert opened.begins(i) != began
    assert "1 boundary" in opened.page.locator("#corrected").inner_text()
    keyboard.press("u")
    assert opened.begins(i) == began
    keyboard.press("c")
    assert opened.value("own.checkedOf(text)") > i
    before = opened.value("own.thresholdOf(text)")
    keyboard.press("]")
    opened.page.wait_for_timeout(100)
    assert opened.value("own.thresholdOf(text)") == pytest.approx(before + 0.01)
    keyboard.press("r")
    opened.page.wait_for_timeout(100)
    assert opened.value("text.moved") is None
    keyboard.press("?")
    assert opened.page.get_by_role("dialog").is_visible()
    keyboard.press("Escape")
    assert not opened.page.locator("dialog").is_visible()


def test_several_files_are_opened_whatever_their_encoding(open_served, tmp_path):
    japanese = "雨が降る。風も吹く。「寒い。」と彼は言った。夜になった。" * 5
    (tmp_path / "a.txt").write_bytes(japanese.encode("shift_jis"))
    (tmp_path / "b.txt").write_text(TEXT, encoding="utf-16")
    (tmp_path / "c.txt").write_bytes(b"\x89PNG\r\n\x1a\n\x00")
    opened = open_served()
    opened.choose(RUN)
    opened.page.locator("#files").set_input_files([tmp_path / f"{name}.txt" for name in "cab"])
    opened.page.locator("#texts option").nth(1).wait_for(state="attached")
    assert opened.page.locator("#texts option").all_inner_texts() == ["a.txt", "b.txt"]
    opened.page.locator("#texts").select_option("a.txt")
    assert opened.page.locator("#title").inner_text() == "a.txt"
    assert "".join(opened.paragraphs()) == japanese
    assert "c.txt: the file" in opened.page.locator("#message").inner_text()
    opened.errors = [text for text in opened.errors if "422" not in text]


def test_a_dropped_file_is_split(open_served):
    opened = open_served()
    opened.choose(RUN)
    opened.page.evaluate(
        """(text) => {
            const dataTransfer = new DataTransfer();
            dataTransfer.items.add(new File([text], "dropped.txt"));
            for (const type of ["dragover", "drop"]) {
                window.dispatchEvent(new DragEvent(type, { dataTransfer, cancelable: true }));
            }
        }""",
        TEXT,
    )
    opened.page.locator("#book p").first.wait_for()
    assert opened.page.locator("#title").inner_text() == "dropped.txt"
    assert not opened.page.locator("#drop").is_visible()


def test_vertical_writing(open_served):
    opened = open_served()
    opened.split("雨が降る。「寒い。」と彼は言った。夜になった。" * 40)
    opened.page.keyboard.press("v")
    mode = "getComputedStyle(document.getElementById('book')).writingMode"
    assert opened.page.evaluate(mode) == "vertical-rl"
    for _ in range(60):
        opened.page.keyboard.press("j")
    opened.page.wait_for_timeout(800)
    box = opened.page.locator(".s[aria-current]").bounding_box()
    frame = opened.page.locator("#book").bounding_box()
    assert box["height"] > box["width"] or box["width"] < 60
    assert frame["x"] - 1 <= box["x"] <= frame["x"] + frame["width"]
    opened.page.get_by_role("button", name="Vertical").click()
    assert opened.page.evaluate(mode) == "horizontal-tb"


def test_a_phone_shows_the_page_without_sideways_scrolling(open_served):
    opened = open_served(**PHONE)
    width = "document.documentElement.scrollWidth"
    assert opened.page.evaluate(width) == 390
    opened.split()
    assert opened.page.evaluate(width) == 390
    opened.page.locator(".s").nth(6).tap()
    opened.page.locator("#effects li").first.wait_for()
    sheet = opened.page.locator("#why").bounding_box()
    assert sheet["y"] + sheet["height"] == pytest.approx(844, abs=1)
    began = opened.begins(6)
    opened.page.get_by_text("Nothing" if began else "¶ Paragraph", exact=True).tap()
    assert opened.begins(6) != began
    opened.page.get_by_role("button", name="Close").first.tap()
    position = "getComputedStyle(document.getElementById('why')).position"
    assert opened.page.evaluate(position) == "static"
    opened.page.get_by_role("button", name="Checked to here").tap()
    assert opened.value("own.checkedOf(text)") > 6
    assert opened.page.evaluate(width) == 390


def test_the_page_follows_the_system_until_the_reader_chooses(open_served):
    background = "getComputedStyle(document.body).backgroundColor"
    light = open_served(color_scheme="light").page.evaluate(background)
    opened = open_served(color_scheme="dark")
    dark = opened.page.evaluate(background)
    assert light != dark
    opened.page.get_by_role("button", name="Dark or light").click()
    assert opened.page.evaluate(background) == light


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("options", [{}, PHONE], ids=["desktop", "phone"])
def test_axe_finds_no_violation(options, scheme, open_served):
    from axe_playwright_python.sync_playwright import Axe

    rules = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]}
    opened = open_served(color_scheme=scheme, **options)
    found = Axe().run(opened.page, options=rules)
    assert found.violations_count == 0, found.generate_report()
    opened.split()
    opened.mark(opened.inner()).click()
    opened.page.locator("#effects li").first.wait_for()
    found = Axe().run(opened.page, options=rules)
    assert found.violations_count == 0, found.generate_report()
    opened.page.keyboard.press("?")
    found = Axe().run(opened.page, context="dialog")
    assert found.violations_count == 0, found.generate_report()


def test_hostile_text_is_shown_and_not_run(open_served, tmp_path):
    text = "\n".join(HOSTILE) + "\n" + "x" * 20_000 + "\nשלום עולם. مرحبا بالعالم. \u202eevil.\n"
    path = tmp_path / "<img src=x onerror=alert(1)>.txt"
    path.write_text(text)
    opened = open_served()
    opened.choose(RUN)
    opened.page.locator("#files").set_input_files(path)
    opened.page.locator("#book p").first.wait_for()
    shown = "".join("".join(opened.paragraphs()).split())
    assert "<script>alert(1)</script>" in shown
    assert "x" * 20_000 in shown
    assert opened.page.locator("#title").inner_text() == path.name
    assert opened.page.locator("img, iframe, main script").count() == 0
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= 1400
    opened.page.locator(".s").nth(1).click()
    assert opened.page.locator("#excerpt").inner_text() in HOSTILE


def test_the_policy_of_the_page_forbids_other_scripts_and_the_network(chromium, server):
    check_policy(chromium, server)


def test_another_site_cannot_call_the_server(chromium, server):
    page = chromium.new_page()
    page.route(
        "http://evil.example/", lambda route: route.fulfill(body="<p>", content_type="text/html")
    )
    page.goto("http://evil.example/")
    call = """async (url) => {
        try {
            const body = JSON.stringify({ text: "It rained." });
            const response = await fetch(url, { method: "POST", mode: "no-cors", body });
            return response.type + response.status;
        } catch (error) { return "refused"; }
    }"""
    assert page.evaluate(call, f"{server}api/segment") in ("refused", "opaque0")
    page.close()


def test_a_long_text_is_shown_while_it_is_read_and_follows_the_slider(open_served):
    opened = open_served()
    opened.split(TEXT * 130)
    assert opened.value("text.sentences.length") > 8000
    opened.drag_threshold(0.05)
    assert opened.value("blocks.length") == opened.page.locator("#book > p").count()
    laid_out = """[...document.querySelectorAll("#book > p .s")].filter((span) =>
        span.checkVisibility({ contentVisibilityAuto: true })).length"""
    assert opened.page.evaluate(laid_out) < 4000
    box = opened.page.locator("#strip").bounding_box()
    opened.page.mouse.click(box["x"] + 5, box["y"] + box["height"] * 0.6)
    opened.page.wait_for_timeout(300)
    assert opened.page.evaluate("scrollY") > 1000


def test_a_request_that_a_later_one_replaces_is_not_reported_as_a_failure(open_served):
    opened = open_served()
    opened.choose(RUN)
    opened.page.locator("#source").fill(TEXT)
    opened.page.evaluate("for (let i = 0; i < 2; i++) document.forms.input.requestSubmit()")
    opened.page.locator("#book p").first.wait_for()
    opened.page.locator("#progress").wait_for(state="hidden")
    assert opened.value("text.sentences.length") == opened.value("text.header.count")
    assert opened.page.locator("#message").is_hidden()
