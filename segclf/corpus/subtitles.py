"""Reader for subtitles in SRT and WebVTT: the text of each cue on one line."""

import re
from collections.abc import Iterator
from html import unescape
from itertools import takewhile
from operator import itemgetter

from segclf.corpus.decode import decode
from segclf.corpus.extracted import Block
from segclf.corpus.joining import unwrap

_TIME = r"(?:\d{1,4}:)?\d?\d:\d\d[,.]\d{1,3}"
_TIMES = rf"[ \t]*({_TIME})[ \t]*-->[ \t]*({_TIME})"
_MARK = rb"(?:\xef\xbb\xbf|\xff\xfe|\xfe\xff)?"
_SRT = re.compile(_MARK + rb"\s*(?:\d+[ \t]*\r*\n)?" + _TIMES.encode())
_VTT = re.compile(_MARK + rb"WEBVTT[ \t\r\n]")
_HEAD_BYTES = 1024
_MAX_REPEATED = 50  # lines of a cue; a limit keeps the time linear
_LINE_BREAK = re.compile(r"\r{0,2}\n|\r")
_CUE_START = re.compile(rf"^(?:[ \t]*\d+[ \t]*\n)?{_TIMES}.*$", re.MULTILINE)
"""The line with the times of a cue, and the number above it."""
_TAG = re.compile(
    rf"</?(?:i|b|u|s|font|c|v|lang|ruby|rt)(?:[\s.][^<>]*)?>|<{_TIME}>|\{{\\[^{{}}]*\}}",
    re.IGNORECASE,
)


def recognizes(data: bytes) -> bool:
    """Return whether a file begins like subtitles in one of the two formats."""
    head = data[:_HEAD_BYTES].replace(b"\0", b"")  # UTF-16 and UTF-32 add zeros to ASCII
    return _SRT.match(head) is not None or _VTT.match(head) is not None


def read(data: bytes, name: str, encoding: str | None) -> list[Block]:
    """Read the cues in the order of their times, without tags, comments and repeated lines.

    Raises:
        UserError: The text cannot be decoded.
    """
    text = decode(data, name, encoding=encoding).text.removeprefix("\ufeff")
    cues = [_TAG.sub("", cue) for cue in _cues(_LINE_BREAK.sub("\n", text))]
    if _is_vtt(text):
        cues = [unescape(cue) for cue in cues]
    return [Block("\n".join(_without_repetition(cues)))]


def _is_vtt(text: str) -> bool:
    return text.startswith("WEBVTT")


def _cues(text: str) -> list[str]:
    """Return the text of each cue, with tags, in the order of their times.

    A cue of WebVTT ends at a blank line, after which comments, styles or the name of the next cue
    may follow (https://www.w3.org/TR/webvtt1/). SRT has none of these, and some of its cues contain
    blank lines.
    """
    _, *parts = _CUE_START.split(text)
    times = zip(map(_seconds, parts[::3]), map(_seconds, parts[1::3]), strict=True)
    cues = parts[2::3]
    if _is_vtt(text):
        cues = ["\n".join(takewhile(str.strip, cue[1:].split("\n"))) for cue in cues]
    return [cue for _, cue in sorted(zip(times, cues, strict=True), key=itemgetter(0))]


def _seconds(time: str) -> float:
    """Return a time in seconds."""
    *hours, minutes, seconds = time.replace(",", ".").split(":")
    return 3600 * int("".join(hours) or 0) + 60 * int(minutes) + float(seconds)


def _without_repetition(cues: list[str]) -> Iterator[str]:
    """Yield each cue on one line, without the lines that the previous cue already contains."""
    before: list[str] = []
    for cue in cues:
        lines = [line.strip() for line in cue.splitlines() if line.strip()]
        if new := lines[_overlap(before, lines) :]:
            yield unwrap("\n".join(new))
        before = lines


def _overlap(before: list[str], after: list[str]) -> int:
    """Count the last lines of a cue that the next cue repeats, as in roll-up captions."""
    counts = range(min(len(before), len(after), _MAX_REPEATED), 0, -1)
    return next((n for n in counts if before[-n:] == after[:n]), 0)
