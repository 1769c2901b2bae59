"""Detection of text encodings other than Unicode and Japanese ones, by charset-normalizer."""

import re

_MIN_BYTES = 500  # shorter texts are often decoded in the wrong encoding
_MIN_COHERENCE = 0.1
_CHAOS_MARGIN, _COHERENCE_MARGIN = 0.03, 0.05
"""A candidate that is worse than the best one by at most these margins may be the right one."""
_SAMPLE_BYTES = 1 << 16

_WESTERN = "af ca da de en es eu fi fr ga gl is it lb nb nl nn no pt sv"
_CENTRAL = "bs cs hr hu pl ro sk sl"
_LATIN_ENCODINGS = {
    "cp1252": _WESTERN,  # includes ISO 8859-1
    "cp1250": _CENTRAL,
    "iso8859_2": _CENTRAL,
    "cp1254": "az tr",
    "cp1257": "et lt lv",
}
"""Encodings of Latin script, and the languages that are usually written in each. Most bytes stand
for the same letter in all of these encodings, so only the language decides between them."""
_OTHER_ALPHABETS = (
    *("cp1251", "cp866", "koi8_r"),  # Cyrillic
    *("cp1253", "iso8859_7"),  # Greek
    *("cp1255", "cp1256", "cp874"),  # Hebrew, Arabic, Thai
)
_EAST_ASIAN = ("big5", "cp949", "gb18030")
_JAPANESE = ("cp932", "euc_jis_2004")  # candidates only; `segclf.corpus.decode` detects them
_LETTER = r"[^\W\d_]"
_WRONG_IN_WORD = re.compile(
    rf"(?<={_LETTER})[^\w\s\0-\x7f\u00ad\u2010-\u2019](?={_LETTER})"  # a symbol
    r"|(?<=[A-Za-z])[\u0370-\u0fff]|[\u0370-\u0fff](?=[A-Za-z])"  # a letter of another script
)
_BEYOND_ASCII = re.compile("[^\0-\x7f]")
_MAX_WRONG = 0.05  # share of the characters beyond ASCII


def detect_charset(data: bytes) -> str | None:
    """Detect the encoding of a text that is neither Unicode nor clearly Japanese.

    charset-normalizer ranks the candidates. Its result is accepted only if no other candidate that
    gives a different text is almost as good. Encodings of Latin script must also be usual for the
    language of the text. Text in a DOS or Macintosh encoding of Latin script is rejected, because
    the candidates decode it into words that contain symbols.

    Args:
        data: Content of the file, with at least one byte that is not ASCII.

    Returns:
        Python's name for the encoding; None if it is Japanese or uncertain, or if the text has less
        than 500 bytes.
    """
    if len(data) < _MIN_BYTES:
        return None
    from charset_normalizer import from_bytes

    candidates = list(
        from_bytes(
            _sample_of(data),
            cp_isolation=[*_LATIN_ENCODINGS, *_OTHER_ALPHABETS, *_EAST_ASIAN, *_JAPANESE],
            enable_fallback=False,
        )
    )
    if not candidates or candidates[0].coherence < _MIN_COHERENCE:
        return None
    best = candidates[0]
    fitting = {
        str(candidate): codec
        for candidate in candidates
        if candidate.chaos <= best.chaos + _CHAOS_MARGIN
        and candidate.coherence >= best.coherence - _COHERENCE_MARGIN
        and (codec := _usual_encoding(str(candidate), candidate.could_be_from_charset))
    }
    if len(fitting) != 1:
        return None
    ((text, codec),) = fitting.items()
    if codec in _JAPANESE or (codec not in _EAST_ASIAN and _is_implausible(text)):
        return None
    return codec


def _sample_of(data: bytes) -> bytes:
    """Return whole lines of `_SAMPLE_BYTES` or more, beginning with the first that is not ASCII."""
    first = next(i for i, byte in enumerate(data) if byte > 0x7F)
    start = data.rfind(b"\n", 0, first) + 1
    end = data.find(b"\n", start + _SAMPLE_BYTES)
    return data[start : end if end > 0 else len(data)]


def _usual_encoding(text: str, codecs: list[str]) -> str | None:
    """Return the encoding that is usual for the language of a text; None if none is.

    Args:
        text: Text in Latin script. For another script, the first encoding is returned.
        codecs: Encodings in which the bytes stand for this text.
    """
    if not any(codec in _LATIN_ENCODINGS for codec in codecs):
        return codecs[0]
    from py3langid import classify  # loading its model takes half a second

    language = str(classify(text)[0])
    usual = (
        codec for codec, languages in _LATIN_ENCODINGS.items() if language in languages.split()
    )
    return next((codec for codec in usual if codec in codecs), None)


def _is_implausible(text: str) -> bool:
    """Return whether many words contain a symbol or a letter of another script."""
    wrong = len(_WRONG_IN_WORD.findall(text))
    return wrong > _MAX_WRONG * len(_BEYOND_ASCII.findall(text))
