"""Reader for subtitles in SRT and WebVTT: the text of each cue on one line."""

import re
from collections.abc import Iterator
from html import unescape

from embedcache import UserError
from segclf.corpus.decode import decode
from segclf.corpus.extracted import Block
from segclf.corpus.joining import unwrap
from segclf.corpus.packages import require

_TIME = rb"(?:\d+:)?\d\d:\d\d[,.]\d{3}"
_SRT = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:\d+[ \t]*\r?\n)?" + _TIME + rb"[ \t]+-->[ \t]+" + _TIME)
_VTT = re.compile(rb"(?:\xef\xbb\xbf)?WEBVTT[ \t\r\n]")
_HEAD_BYTES = 1024
_TIME_IN_TEXT = re.compile(r"<[\d:.]+>")


def recognizes(data: bytes) -> bool:
    """Return whether a file begins like subtitles in one of the two formats."""
    head = data[:_HEAD_BYTES]
    return _SRT.match(head) is not None or _VTT.match(head) is not None


def read(data: bytes, name: str, encoding: str | None) -> list[Block]:
    """Read the cues in the order of their times, without tags, comments and repeated lines.

    Raises:
        UserError: The text cannot be decoded, the subtitles are damaged, or the package that parses
            them is missing.
    """
    require(name, "subtitles", "pysubs2")
    from pysubs2 import Pysubs2Error, SSAFile

    text = decode(data, name, encoding=encoding).text.removeprefix("\ufeff")
    is_vtt = _VTT.match(data[:_HEAD_BYTES]) is not None
    try:
        cues = SSAFile.from_string(text, format_="vtt" if is_vtt else "srt")
    except (Pysubs2Error, ValueError) as error:
        raise UserError(
            f"{name} has damaged subtitles ({error}): correct the file or download it again"
        ) from error
    cues.sort()
    found = [cue.plaintext for cue in cues if not cue.is_comment]
    lines = [unescape(_TIME_IN_TEXT.sub("", cue)) if is_vtt else cue for cue in found]
    return [Block("\n".join(_without_repetition(lines)))]


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
    counts = range(min(len(before), len(after)), 0, -1)
    return next((n for n in counts if before[-n:] == after[:n]), 0)
