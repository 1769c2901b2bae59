"""Reading the page of a report."""

import base64
import json
from html.parser import HTMLParser

import numpy as np


class Page(HTMLParser):
    """The scripts, the tables and the attributes of a page."""

    def __init__(self, path):
        super().__init__()
        self.text = path.read_text(encoding="utf-8")
        self.tags, self.scripts, self.rows, self._open = [], [], [], None
        self.feed(self.text)
        self.data = json.loads(self.scripts[0])

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append("")
        elif tag == "tr":
            self.rows.append([])
        elif tag in ("th", "td"):
            self.rows[-1].append("")
        self._open = tag if tag in ("script", "th", "td") else None

    def handle_endtag(self, tag):
        self._open = None

    def handle_data(self, data):
        if self._open == "script":
            self.scripts[-1] += data
        elif self._open:
            self.rows[-1][-1] += data

    def row(self, label, number=0):
        """Return the cells of the row with this label and, among several, this number."""
        return [row[1:] for row in self.rows if row and row[0] == label][number]


def probabilities_of(head):
    return np.frombuffer(base64.b64decode(head["probabilities"]), dtype="<f4")


def labels_of(digits):
    return np.array([digit != "0" for digit in digits])
