"""Running headers and page numbers of PDF files are left out; headings and text are kept."""

import pytest

from segclf.corpus import read_unsegmented
from tests.segclf.corpus.books import pdf
from tests.segclf.corpus.texts import write


def sentence(n):
    """Return a sentence with a number that does not count the pages."""
    return f"It rained {n * n + 5} times."


def lines_of(tmp_path, pages):
    return read_unsegmented(write(tmp_path, pdf(*pages), "a.pdf")).text.splitlines()


def test_headings_and_repeated_lines_on_distant_pages_are_kept(tmp_path):
    pages = [[sentence(n)] for n in range(40)]
    for chapter, page in enumerate((0, 10, 20, 30), 1):
        pages[page].insert(0, f"Chapter {chapter}")
        pages[page + 5].insert(0, "“No.”")
    assert lines_of(tmp_path, pages) == [line for page in pages for line in page]


def test_short_chapters_keep_their_headings(tmp_path):
    pages = [[f"Chapter {n // 2}", sentence(n)][n % 2 :] for n in range(20)]
    assert lines_of(tmp_path, pages) == [line for page in pages for line in page]


@pytest.mark.parametrize(
    ("left", "right", "foot"),
    [
        ("My book", "Chapter 3", "{}"),
        ("{} | My book", "Chapter 3 | {}", "© 2020"),
        ("{}", "{}", "My book, second edition"),
        ("My book", "My book", "Page {} of 312"),
        ("My book", "My book", "3-{}"),
    ],
)
def test_headers_and_footers_of_left_and_right_pages_are_left_out(tmp_path, left, right, foot):
    pages = [
        [(left, right)[n % 2].format(n + 7), sentence(n), foot.format(n + 7)] for n in range(12)
    ]
    assert lines_of(tmp_path, pages) == [sentence(n) for n in range(12)]


def test_a_page_number_may_be_inside_the_header_and_text_may_be_a_number(tmp_path):
    pages = [["My book", f"- {n} -", sentence(n)] for n in range(9, 20)]
    pages[4].insert(2, "1984")
    pages[6] = ["My book", "1984", "It was a year."]
    text = [page[2:] for page in pages]
    text[6] = pages[6][1:]
    assert lines_of(tmp_path, pages) == [line for page in text for line in page]


def test_a_short_document(tmp_path):
    pages = [["1984", "It was a year.", "1"], ["It was late.", "2"]]
    assert lines_of(tmp_path, pages) == ["1984", "It was a year.", "It was late."]


def test_the_first_page_of_a_chapter_may_have_its_number_elsewhere(tmp_path):
    pages = [[f"Chapter 2: Rain {n}", sentence(n)] for n in range(20, 30)]
    pages[5] = [sentence(25), "25"]
    assert lines_of(tmp_path, pages) == [sentence(n) for n in range(20, 30)]
