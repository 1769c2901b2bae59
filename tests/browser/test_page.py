"""Reading a report: slider, filters, keys, phone, dark mode, accessibility, hostile text."""

import re

import pytest

from segclf import Workspace, embed, train
from segclf.report.make import make_report
from segclf.training.options import TrainingOptions
from tests.browser.conftest import write_corpus
from tests.browser.policy import check_policy
from tests.segclf.report.test_report import HOSTILE

PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
VISIBLE_ROWS = """() => {
  const view = document.getElementById("text").getBoundingClientRect();
  return sentences.filter((row) => {
    const box = row.getBoundingClientRect();
    return box.bottom > view.top && box.top < view.bottom
      && box.right > view.left && box.left < view.right;
  }).map((row) => Number(row.dataset.i));
}"""


def drag_threshold(opened, share):
    """Drag the thumb of the first slider to a share of its length."""
    box = opened.page.locator(".slider input").first.bounding_box()
    mouse = opened.page.mouse
    chosen = opened.value("chosenThreshold(Object.values(state.system.heads)[0]).value")
    y = box["y"] + box["height"] / 2
    mouse.move(box["x"] + 8 + chosen * (box["width"] - 16), y)
    mouse.down()
    mouse.move(box["x"] + 8 + share * (box["width"] - 16), y, steps=8)
    mouse.up()
    opened.page.wait_for_timeout(100)


def test_dragging_the_slider_moves_boundaries_scores_and_charts(runs_page, open_page):
    opened = open_page(runs_page)
    before = opened.scores()
    dot = opened.page.locator("#precision-recall circle.live")
    place = dot.get_attribute("cx"), dot.get_attribute("cy")
    drag_threshold(opened, 0.97)
    after = opened.scores()
    assert after["found"] < before["found"]
    assert after["recall"] < before["recall"]
    assert opened.shown("recall") == round(after["recall"], 3)
    assert (dot.get_attribute("cx"), dot.get_attribute("cy")) != place
    signs = opened.value("sentences.filter((row) => row.dataset.found).length")
    assert signs == after["found"] + after["documents"]
    assert opened.page.locator("#score-recall .change").inner_text().startswith("−")
    command = opened.page.locator("#hint-command").inner_text()
    assert re.fullmatch(r"segtool segment new.txt --run mlp-w1-001 --threshold 0\.9\d\d", command)
    opened.page.get_by_role("button", name="Reset").click()
    opened.page.wait_for_timeout(100)
    assert opened.scores() == before
    assert not opened.page.locator("#hint-command").is_visible()


def test_moving_the_slider_does_not_shift_the_text(runs_page, open_page):
    opened = open_page(runs_page)
    places = "sentences.slice(0, 200).map((row) => row.offsetTop)"
    before = opened.value(places)
    drag_threshold(opened, 0.05)
    assert opened.value(places) == before


def test_a_page_of_the_test_split_warns_about_other_thresholds(model_page, open_page):
    opened = open_page(model_page)
    notice = opened.page.locator(".notice").first
    assert "Do not choose another threshold" in notice.inner_text()
    width = "getComputedStyle(document.querySelector('.notice')).borderLeftWidth"
    assert opened.value(width) == "0px"
    drag_threshold(opened, 0.2)
    assert opened.value(width) == "4px"
    assert opened.page.locator("#hint").count() == 0


def test_filters_show_errors_with_their_neighbours(runs_page, open_page):
    opened = open_page(runs_page)
    total = opened.value("size")
    for label, kinds in (
        ("Misses", ["miss"]),
        ("False alarms", ["false"]),
        ("Errors", ["miss", "false"]),
    ):
        opened.page.get_by_text(label, exact=False).locator("visible=true").first.click()
        shown = opened.value(
            "sentences.filter((row) => !row.hidden).map((row) => Number(row.dataset.i))"
        )
        wanted = [i for i, kind in enumerate(opened.value("shownKinds")) if kind in kinds]
        expected = {near for i in wanted for near in (i - 1, i, i + 1) if 0 <= near < total}
        assert shown == sorted(expected)
    opened.value("moveThreshold('any', 0); refresh()")  # a boundary everywhere: nothing is missed
    opened.page.keyboard.press("m")
    assert opened.page.locator("#nothing").is_visible()
    opened.page.keyboard.press("a")
    assert opened.value("sentences.every((row) => !row.hidden)")


def test_the_page_is_read_with_the_keyboard_only(runs_page, open_page):
    opened = open_page(runs_page)
    keyboard = opened.page.keyboard
    errors = [i for i, kind in enumerate(opened.value("shownKinds")) if kind in ("miss", "false")]
    for expected in errors[:3]:
        keyboard.press("n")
        assert opened.value("state.current") == expected
        assert expected in opened.value(VISIBLE_ROWS)
        assert opened.page.locator("#status").inner_text().startswith("Sentence ")
    keyboard.press("p")
    assert opened.value("state.current") == errors[1]
    keyboard.press("j")
    assert opened.value("state.current") == errors[1] + 1
    before = opened.value("state.system.heads.any.thresholds[0]")
    keyboard.press("]")
    opened.page.wait_for_timeout(100)
    assert opened.value("state.moved.any") == pytest.approx(before + 0.01, abs=6e-4)
    keyboard.press("r")
    opened.page.wait_for_timeout(100)
    assert opened.value("state.moved.any") is None
    keyboard.press("/")
    keyboard.type(opened.value("data.sentences[50].slice(0, 12)"))
    keyboard.press("Enter")
    assert "n" not in opened.value(
        "Object.keys(state.moved)"
    )  # letters typed in a field are not shortcuts
    assert opened.value("state.current") == 50
    keyboard.press("Escape")
    assert opened.value("document.activeElement.id") == "text"
    keyboard.press("?")
    assert opened.page.get_by_role("dialog").is_visible()
    keyboard.press("Escape")
    assert not opened.page.locator("dialog").is_visible()


def test_every_control_is_reached_by_tab_and_the_slider_by_arrows(runs_page, open_page):
    opened = open_page(runs_page)
    reached = []
    for _ in range(60):
        opened.page.keyboard.press("Tab")
        reached.append(
            opened.value("document.activeElement.id || document.activeElement.textContent")
        )
    order = [
        "theme",
        "help",
        "system",
        "threshold-any",
        "search",
        "vertical",
        "previous",
        "next",
        "text",
    ]
    assert [name for name in reached if name in order][: len(order)] == order
    slider = opened.page.locator("#threshold-any")
    slider.focus()
    before = float(slider.input_value())
    opened.page.keyboard.press("ArrowRight")
    opened.page.wait_for_timeout(100)
    assert opened.value("state.moved.any") == pytest.approx(before + 0.001, abs=6e-4)
    assert "F1 0." in slider.get_attribute("aria-valuetext")


def test_documents_are_sorted_and_lead_to_the_text(long_page, open_page):
    opened = open_page(long_page)
    f1 = [
        float(text) for text in opened.page.locator("#documents-table td.share").all_inner_texts()
    ]
    assert len(f1) == 24
    assert f1 == sorted(f1)
    assert "16 between" in opened.page.locator("#documents-table").inner_text()
    opened.page.get_by_role("button", name="Show all 40").click()
    assert opened.page.locator("#documents-table tbody tr").count() == 40
    opened.page.get_by_role("button", name="F1", exact=True).click()
    assert opened.page.locator("th[aria-sort=descending]").inner_text().startswith("F1")
    opened.page.get_by_role("button", name="author33").click()
    assert 33 * 500 in opened.value(VISIBLE_ROWS)


def test_the_strip_leads_to_any_part_of_the_text(long_page, open_page):
    opened = open_page(long_page)
    strip = opened.page.locator("#strip")
    strip.scroll_into_view_if_needed()
    box = strip.bounding_box()
    for share in (0.5, 0.93, 0.02):
        opened.page.mouse.click(box["x"] + 5, box["y"] + share * box["height"])
        opened.page.wait_for_timeout(200)
        rows = opened.value(VISIBLE_ROWS)
        assert rows[0] - 30 <= share * 20_000 <= rows[-1] + 30


def test_twenty_thousand_sentences_are_laid_out_only_near_the_view(long_page, open_page):
    opened = open_page(long_page)
    assert opened.value("size") == 20_000
    laid_out = """chunks.filter(({ box }) =>
        box.firstElementChild.checkVisibility({ contentVisibilityAuto: true })).length"""
    assert 0 < opened.value(laid_out) < 30
    opened.value("document.getElementById('text').scrollTop = 200_000")
    opened.page.wait_for_timeout(200)
    assert 0 < opened.value(laid_out) < 40
    assert opened.value(VISIBLE_ROWS)[0] > 1000


def test_vertical_writing_keeps_the_current_sentence_in_view(runs_page, open_page):
    opened = open_page(runs_page)
    for _ in range(5):
        opened.page.keyboard.press("n")
    current = opened.value("state.current")
    opened.page.keyboard.press("v")
    opened.page.wait_for_timeout(200)
    assert (
        opened.value("getComputedStyle(document.getElementById('text')).writingMode")
        == "vertical-rl"
    )
    assert (
        opened.page.get_by_role("button", name="Vertical").get_attribute("aria-pressed") == "true"
    )
    row = f"sentences[{current}].getBoundingClientRect()"
    assert opened.value(f"{row}.height > {row}.width")
    opened.page.keyboard.press("n")
    assert opened.value("state.current") in opened.value(VISIBLE_ROWS)
    opened.page.keyboard.press("v")
    assert (
        opened.value("getComputedStyle(document.getElementById('text')).writingMode")
        == "horizontal-tb"
    )


@pytest.mark.parametrize("name", ["runs_page", "model_page", "long_page"])
def test_a_phone_shows_the_page_without_sideways_scrolling(name, open_page, request):
    opened = open_page(request.getfixturevalue(name), **PHONE)
    assert opened.value("document.documentElement.scrollWidth") == 390
    before = opened.scores()["found"]
    box = opened.page.locator(".slider input").first.bounding_box()
    opened.page.touchscreen.tap(box["x"] + 0.95 * box["width"], box["y"] + box["height"] / 2)
    opened.page.wait_for_timeout(200)
    assert opened.scores()["found"] < before
    opened.page.get_by_role("button", name="Next error").tap()
    assert opened.value("state.current") >= 0
    assert opened.value("document.documentElement.scrollWidth") == 390


def test_the_page_follows_the_system_until_the_reader_chooses(runs_page, open_page):
    background = "getComputedStyle(document.body).backgroundColor"
    light = open_page(runs_page, color_scheme="light").value(background)
    opened = open_page(runs_page, color_scheme="dark")
    dark = opened.value(background)
    assert light != dark
    opened.page.keyboard.press("d")
    assert opened.value(background) == light
    opened.page.get_by_role("button", name="Dark or light").click()
    assert opened.value(background) == dark


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("options", [{}, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("name", ["runs_page", "model_page"])
def test_axe_finds_no_violation(name, options, scheme, open_page, request):
    from axe_playwright_python.sync_playwright import Axe

    opened = open_page(request.getfixturevalue(name), color_scheme=scheme, **options)
    opened.value("moveThreshold('any', 0.8)")
    opened.page.keyboard.press("n")
    found = Axe().run(
        opened.page,
        options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]},
    )
    assert found.violations_count == 0, found.generate_report()
    opened.page.keyboard.press("?")
    found = Axe().run(opened.page, context="dialog")
    assert found.violations_count == 0, found.generate_report()


def test_reduced_motion_is_respected(runs_page, open_page):
    duration = "getComputedStyle(sentences[1]).transitionDuration"
    assert open_page(runs_page).value(duration) == "0.15s"
    assert open_page(runs_page, reduced_motion="reduce").value(duration) == "0s"


def test_hostile_text_is_shown_and_not_run(tmp_path, open_page):
    workspace = Workspace(tmp_path / "work")
    name = "<img src=x onerror=alert(1)></title><script>alert(2)</script>"
    documents = [
        (f"{split} {name}", HOSTILE * 6, [int(i % 3 == 0) for i in range(36)])
        for split in ("train", "dev")
    ]
    corpus = write_corpus(tmp_path / "bad.jsonl", documents, lambda name: name.split()[0])
    embed(corpus, workspace, encoder_name="surface")
    run = train(workspace, TrainingOptions(head="mlp", window=1, epochs=1))
    opened = open_page(make_report(workspace, [run], tmp_path / "bad.html").path)
    assert opened.page.locator("#text .s").nth(0).inner_text() == HOSTILE[0]
    assert opened.page.locator("#text h3").inner_text() == f"dev {name}"
    assert opened.page.locator("#documents-table tbody th").inner_text() == f"dev {name}"
    opened.page.keyboard.press("j")
    assert name in opened.page.locator("#status").inner_text()
    assert opened.page.locator("img, iframe").count() == 0
    assert opened.page.locator("script").count() == 2


def test_the_policy_of_the_page_forbids_other_scripts_and_the_network(runs_page, chromium):
    check_policy(chromium, runs_page.as_uri())
