"""Bytes of a text file -> text, whatever encoding a Japanese text may come in."""

import codecs
import re

from embedcache import UserError

_BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_JAPANESE_ENCODINGS = ("cp932", "euc_jis_2004", "shift_jis_2004")
_KANA = re.compile("[ぁ-んァ-ヶ、。「」]")
_SAMPLE_BYTES = 1 << 16


def decode(data: bytes, name: str) -> str:
    """Decode a text.

    A byte order mark decides; then UTF-8 if the bytes are valid UTF-8; then UTF-16 if every other
    byte of its ASCII characters is zero; then the Japanese encoding that gives the most kana.

    Args:
        data: the file's bytes.
        name: what to call the file in an error.

    Raises:
        UserError: no encoding fits; the message has the offset of the first byte that is not UTF-8.
    """
    for mark, encoding in _BYTE_ORDER_MARKS.items():
        if data.startswith(mark):
            return _decode_as(encoding, data, name)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        return _decode_legacy(data, name, error)
    if "\0" not in text:
        return text
    return _decode_as(_utf16_order(data), data, name)


def _decode_as(encoding: str, data: bytes, name: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise UserError(
            f"{name}: byte {error.start} is not {encoding}: convert the file to UTF-8"
        ) from error


def _utf16_order(data: bytes) -> str:
    sample = data[:_SAMPLE_BYTES]
    return "utf-16-le" if sample[1::2].count(0) >= sample[::2].count(0) else "utf-16-be"


def _decode_legacy(data: bytes, name: str, utf8_error: UnicodeDecodeError) -> str:
    if b"\0" in data[:_SAMPLE_BYTES]:
        return _decode_as(_utf16_order(data), data, name)
    candidates = []
    for encoding in _JAPANESE_ENCODINGS:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        candidates.append((len(_KANA.findall(text)) / len(text), text))
    share, text = max(candidates, key=lambda candidate: candidate[0], default=(0.0, ""))
    if share == 0:
        raise UserError(
            f"{name}: byte {utf8_error.start} (0x{data[utf8_error.start]:02x}) is not UTF-8, and "
            "the file is neither Shift_JIS nor EUC-JP: convert it to UTF-8"
        )
    return text
