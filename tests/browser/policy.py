"""A check that the reports and the pages of serve share."""


def check_policy(chromium, url):
    """Check that a page runs no other scripts and loads nothing from elsewhere."""
    page = chromium.new_page()
    refused = []
    page.on("console", lambda message: refused.append(message.text))
    page.goto(url)
    for element in (
        "<img src=https://example.org/x.png>",
        '<b id=bad onclick="window.ran = 1">x</b>',
    ):
        page.evaluate("html => document.body.insertAdjacentHTML('beforeend', html)", element)
    page.evaluate("document.getElementById('bad').click()")
    page.wait_for_timeout(200)
    assert page.evaluate("window.ran") is None
    assert sum("Content Security Policy" in text for text in refused) >= 2
    page.close()
