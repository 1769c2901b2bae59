"""The page of `segtool serve` in a browser, and what tests do on it."""

import re
from dataclasses import dataclass, field

TEXT = "".join(
    f"{day}の朝、雨が降っていた。駅には誰もいない。「行こうか。」と彼は言った。"
    "彼女は黙って窓の外を見ていた。やがて汽車が来た。二人は乗らなかった。"
    for day in "一二三四五六七八九十"
)
RUN = "mlp-w1-001"


@dataclass
class Served:
    """The page, the errors in its console and its requests."""

    page: object
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def value(self, expression):
        """Evaluate an expression on the modules of the page: state, text, blocks."""
        return self.page.evaluate(
            f"""async () => {{
                const own = await import("/assets/state.js");
                const {{ state }} = own;
                const text = state.current;
                const blocks = text ? own.blocksOf(text) : [];
                return {expression};
            }}"""
        )

    def choose(self, model):
        self.page.locator(f"#model option[value='{model}']").wait_for(state="attached")
        self.page.locator("#model").select_option(model)

    def split(self, text=TEXT, model=RUN):
        """Paste a text and split it."""
        self.choose(model)
        self.page.locator("#source").fill(text)
        self.page.get_by_role("button", name="Split into paragraphs").click()
        self.page.locator("#book p").first.wait_for()
        self.page.locator("#progress").wait_for(state="hidden")

    def paragraphs(self):
        """The text of the paragraphs; the browser lays out those near the view only."""
        return self.page.locator("#book > p").all_text_contents()

    def mark(self, i):
        return self.page.locator(f".mark[data-i='{i}']")

    def begins(self, i):
        return i in self.value("blocks.map(({ start }) => start)")

    def inner(self):
        """A sentence inside a paragraph, at which nothing begins."""
        return self.value("blocks.find(({ start, stop }) => stop - start > 2).start + 1")

    def drag_threshold(self, share):
        box = self.page.locator("#threshold").bounding_box()
        now = self.value("own.thresholdOf(text)")
        y = box["y"] + box["height"] / 2
        mouse = self.page.mouse
        mouse.move(box["x"] + 8 + now * (box["width"] - 16), y)
        mouse.down()
        mouse.move(box["x"] + 8 + share * (box["width"] - 16), y, steps=8)
        mouse.up()
        self.page.wait_for_timeout(100)

    def sections(self):
        return re.findall(r"\d[\d,]*", self.page.locator("#counts").inner_text())
