"""Detection of text encodings, and decoding of text files."""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from embedcache import UserError
from segclf.corpus.charsets import detect_charset

_BINARY_FORMATS = {
    rb"%PDF-": "a PDF",
    rb"PK(?:\x03\x04|\x05\x06)": "a ZIP archive",
    rb"\x1f\x8b": "compressed by gzip",
    rb"\xfd7zXZ\0": "compressed by xz",
    rb"BZh[1-9]1AY&SY": "compressed by bzip2",
    rb"\x28\xb5\x2f\xfd": "compressed by zstd",
    rb"7z\xbc\xaf\x27\x1c": "a 7z archive",
    rb"Rar!\x1a\x07": "a RAR archive",
    rb"(?s:.{257})ustar": "a tar archive",
    rb"(?s:.{60})BOOKMOBI": "a Mobipocket book",
    rb"(?:II\*\0|MM\0\*)": "a TIFF image",
    rb"RIFF(?s:.{4})WEBP": "a WebP image",
    rb"RIFF(?s:.{4})WAVE": "a WAV recording",
    rb"\0\0\0.ftyp": "an MPEG-4 video or recording",
    rb"ID3[\2-\4]\0": "an MP3 recording",
    rb"OggS\0": "an Ogg recording",
    rb"fLaC\0": "a FLAC recording",
    rb"\x89PNG\r\n\x1a\n": "a PNG image",
    rb"\xff\xd8\xff": "a JPEG image",
    rb"GIF8[79]a": "a GIF image",
    rb"\x7fELF": "a program",
    rb"SQLite format 3\0": "an SQLite database",
    rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "an old Office document",
    rb"\{\\rtf": "an RTF document",
}
"""Patterns of the first bytes of files that are not plain text, with a description of each."""

_BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32-le",  # before UTF-16, since it begins with the mark of UTF-16
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
_BYTES_PER_UNIT = {"utf-32-le": 4, "utf-32-be": 4, "utf-16-le": 2, "utf-16-be": 2}
_ISO_2022_JP = b"\x1b$B"  # switches from ASCII to JIS X 0208
_SAMPLE_BYTES = 1 << 16
_NOT_ASCII = re.compile(rb"[\x80-\xff]")
_BEYOND_ASCII = re.compile("[^\0-\x7f]")
_THREE_BYTES = re.compile("[\u0800-\ufffc]")
"""Characters that take three bytes in UTF-8.

Valid sequences of three bytes are rare in EUC-JP, but valid sequences of two bytes are not."""
_KANA = "ぁ-ゖァ-ヺー"
_PUNCTUATION = "\u3000-\u3002\u300c-\u300f"
_JAPANESE = f"{_KANA}\u3000-\u303f\u4e00-\u9fff\uff01-\uff5e"


def _beside_japanese(characters: str) -> re.Pattern[str]:
    return re.compile(f"(?<=[{_JAPANESE}])[{characters}]|[{characters}](?=[{_JAPANESE}])")


_JAPANESE_ENCODINGS = {
    "cp932": (2, _beside_japanese(_KANA + _PUNCTUATION)),
    "shift_jis_2004": (2, _beside_japanese(_KANA + _PUNCTUATION)),
    "euc_jis_2004": (8, _beside_japanese(_KANA)),
}
"""Minimum number of characters beyond ASCII, and a pattern of characters that count as evidence.

EUC-JP needs more characters, because frequent Big5 characters have the bytes of EUC-JP hiragana
(不中 has those of ぃい). The punctuation of EUC-JP is not evidence, because 、 and 。 have the same
bytes in GB18030."""
_JAPANESE_SHARE = 0.25  # minimum share of evidence among the characters beyond ASCII
_RARE_IN_WRONG_DECODING = re.compile("[\t\n\r -~\xa0-\u08ff\u3000-\u3002\u300c-\u300fぁ-ー]")
"""ASCII characters, letters of other alphabets, kana and Japanese punctuation.

They are rare when text in another encoding is decoded as UTF-16 or UTF-32: most characters are then
ideographs and symbols."""
_WIDE_SHARE = 0.3  # minimum share of such characters
_WIDE_SHARE_OF_UTF8 = 0.5  # the same for bytes that are also valid UTF-8
_NUL_SHARE = 0.1  # maximum share of zero bytes in a text


@dataclass(frozen=True)
class TextEncoding:
    """Encoding of a text file.

    Attributes:
        codec: Python's name for the encoding.
        mark: Byte order mark before the text; b"" if there is none.
    """

    codec: str
    mark: bytes = b""

    def encode(self, text: str) -> bytes:
        """Return the content of a file with the text, including the byte order mark.

        Raises:
            UnicodeEncodeError: The encoding has no code for a character in the text.
        """
        return self.mark + text.encode(self.codec)


class DecodedText(NamedTuple):
    """A text and the encoding of its file."""

    text: str
    encoding: TextEncoding


def check_encoding(name: str) -> None:
    """Check that Python knows a text encoding.

    Raises:
        UserError: Python does not know the encoding.
    """
    try:
        "".encode(name)
    except (LookupError, UnicodeError) as error:
        raise UserError(
            f"unknown text encoding {name!r}: use a name such as cp1252, gb18030 or koi8-r"
        ) from error


def decode(
    data: bytes, name: str, *, encoding: str | None = None, declared: str | None = None
) -> DecodedText:
    """Detect the encoding of a text and decode it.

    A byte order mark determines the encoding. Without one, the encoding is UTF-8 if the bytes are
    valid UTF-8, unless they contain the escape sequence of ISO-2022-JP, or zero bytes and strong
    evidence of UTF-16 or UTF-32. The other encodings need strong evidence too. For UTF-16 and
    UTF-32, this is a high share of characters that are rare in wrongly decoded text. For Shift_JIS
    and EUC-JP, at least a quarter of the characters beyond ASCII must be kana (or, for Shift_JIS,
    punctuation) next to other Japanese characters. For all other encodings, charset-normalizer must
    be certain; see `segclf.corpus.charsets`.

    Args:
        data: Content of the file.
        name: Name of the file for error messages.
        encoding: Encoding given by the user, which is used if the text has no byte order mark; None
            to detect the encoding.
        declared: Encoding that the file itself declares. It is used if `encoding` is None and the
            text has no byte order mark, is not UTF-8 and can be decoded with this encoding.

    Raises:
        UserError: The file is not text, its encoding cannot be detected, or its bytes are not valid
            in the encoding of its mark or of the user. The message contains the offset of the first
            wrong byte, if it is known.
        LookupError: Python does not know the encoding of the user; see `check_encoding`.
    """
    _refuse_binary(data, name)
    for mark, codec in _BYTE_ORDER_MARKS.items():
        if data.startswith(mark):
            return _decode_as(TextEncoding(codec, mark), data, name)
    if encoding:
        return _decode_as(TextEncoding(encoding), data, name)
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        return _decode_other(data, name, error, declared)
    if _ISO_2022_JP in data and data.isascii():
        return _decode_as(TextEncoding("iso2022_jp"), data, name)
    nuls = data.count(0)
    if nuls > 1 and (wide := _wide_encoding(data, _WIDE_SHARE_OF_UTF8)):
        return _decode_as(TextEncoding(wide), data, name)
    if nuls > max(1, _NUL_SHARE * len(data)):
        raise UserError(
            f"{name} is not a text file: {nuls:,} of its {len(data):,} bytes are zero; convert it "
            "to plain text"
        )
    return DecodedText(text, TextEncoding("utf-8"))


def _refuse_binary(data: bytes, name: str) -> None:
    for pattern, kind in _BINARY_FORMATS.items():
        if re.match(pattern, data):
            raise UserError(f"{name} is {kind}: convert it to plain text")


def _decode_as(encoding: TextEncoding, data: bytes, name: str) -> DecodedText:
    start = len(encoding.mark)
    try:
        text = data[start:].decode(encoding.codec)
    except UnicodeError as error:  # some codecs do not raise UnicodeDecodeError
        place = name
        if isinstance(error, UnicodeDecodeError):
            place += f": byte {start + error.start}"
        raise UserError(
            f"{place} is not {encoding.codec.upper()}: convert the file to UTF-8"
        ) from error
    return DecodedText(text, encoding)


def _decode_other(
    data: bytes, name: str, utf8_error: UnicodeDecodeError, declared: str | None
) -> DecodedText:
    """Decode a text that is not UTF-8 and has no byte order mark."""
    for codec in _possible_encodings(data, declared):
        try:
            return DecodedText(data.decode(codec), TextEncoding(codec))
        except (UnicodeError, LookupError):  # some codecs do not raise UnicodeDecodeError
            continue
    raise UserError(
        f"{name}: byte {utf8_error.start} (0x{data[utf8_error.start]:02x}) is not UTF-8, and the "
        "encoding of the file is uncertain: set it with --text-encoding, or convert it to UTF-8"
    )


def _possible_encodings(data: bytes, declared: str | None) -> Iterator[str]:
    """Yield the encodings in which a text that is not UTF-8 is probably written."""
    if declared:
        yield declared
    if wide := _wide_encoding(data, _WIDE_SHARE):
        yield wide
    elif japanese := _japanese_encodings(data):
        yield from japanese
    elif not _is_damaged_utf8(data, _BEYOND_ASCII) and (charset := detect_charset(data)):
        yield charset


def _is_damaged_utf8(data: bytes, evidence: re.Pattern[str]) -> bool:
    """Return whether the bytes are text in UTF-8 with some errors.

    Args:
        data: Content of the file.
        evidence: Pattern of the characters that are evidence of UTF-8.
    """
    sample = _sample_beyond_ascii(data).decode(errors="replace")
    return len(evidence.findall(sample)) > 2 * sample.count("\ufffd")


def _wide_encoding(data: bytes, share: float) -> str | None:
    """Detect UTF-16 or UTF-32 without a byte order mark; return None for other encodings.

    Args:
        data: Content of the file.
        share: Minimum share of characters that are rare in wrongly decoded text.
    """
    for codec, size in _BYTES_PER_UNIT.items():
        text = _decode_start(data[:_SAMPLE_BYTES], codec) if len(data) % size == 0 else ""
        found = len(_RARE_IN_WRONG_DECODING.findall(text))
        if found > 1 and found > share * len(text):
            return codec
    return None


def _japanese_encodings(data: bytes) -> list[str]:
    """Return the encodings in which the text is clearly Japanese."""
    if _is_damaged_utf8(data, _THREE_BYTES):  # East Asian text in UTF-8
        return []
    sample = _sample_beyond_ascii(data)
    codecs_found = []
    for codec, (minimum, evidence) in _JAPANESE_ENCODINGS.items():
        text = _decode_start(sample, codec)
        count = len(_BEYOND_ASCII.findall(text))
        if count >= minimum and len(evidence.findall(text)) >= _JAPANESE_SHARE * count:
            codecs_found.append(codec)
    return codecs_found


def _sample_beyond_ascii(data: bytes) -> bytes:
    first = _NOT_ASCII.search(data)
    start = first.start() if first else 0
    return data[start : start + _SAMPLE_BYTES]


def _decode_start(sample: bytes, codec: str) -> str:
    """Decode a sample, whose last character may be incomplete; return "" if it is not valid."""
    try:
        return codecs.getincrementaldecoder(codec)().decode(sample)
    except UnicodeDecodeError:
        return ""
