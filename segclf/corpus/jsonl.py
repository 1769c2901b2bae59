"""JSON Lines: a document a line, its sentences labelled or its paragraphs as they are.

{"id": "a", "sentences": ["One.", "Two."], "labels": [1, 0], "split": "train"}  1: one begins here
{"id": "b", "paragraphs": ["One. Two.", "Three."]}
"""

import json
from typing import Any

import numpy as np

from embedcache import UserError, normalize
from segclf.corpus.documents import SPLITS, Document
from segclf.corpus.plain import ReadOptions, clean_sentences
from segclf.corpus.sentences import guess_language, sentence_rule


def recognizes(text: str) -> bool:
    """Say whether the first line is a JSON object."""
    first = text.lstrip().split("\n", 1)[0]
    if not first.startswith("{"):
        return False
    try:
        return isinstance(json.loads(first), dict)
    except json.JSONDecodeError:
        return False


def read(text: str, document_id: str, options: ReadOptions) -> list[Document]:
    """Read every document of a file.

    Raises:
        UserError: a line is no such object; the message has its number.
    """
    documents = []
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            where = f"{document_id} line {number}"
            default_id = f"{document_id}:{number}"
            documents.append(_read_line(line, where, default_id, options))
    return documents


def _read_line(line: str, where: str, default_id: str, options: ReadOptions) -> Document:
    try:
        record = json.loads(line)
    except json.JSONDecodeError as error:
        raise UserError(f"{where}: not JSON ({error.msg} at column {error.colno})") from error
    try:
        json.dumps(record, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:  # as a cut emoji leaves it
        raise UserError(f"{where}: half a character, {error.object[error.start]!r}") from error
    if not isinstance(record, dict) or not ({"sentences", "paragraphs"} & record.keys()):
        raise UserError(f'{where}: expected an object with "sentences" or "paragraphs"')
    split = record.get("split")
    if split not in (None, *SPLITS):
        raise UserError(f'{where}: "split" is {split!r}: take one of {", ".join(SPLITS)}')
    document_id = str(record.get("id", default_id))
    read = _labelled if "sentences" in record else _paragraphs
    sentences, labels = read(record, where, options)
    return Document(document_id, sentences, np.array(labels, dtype=np.bool_), split=split)


def _labelled(
    record: dict[str, Any], where: str, _options: ReadOptions
) -> tuple[list[str], list[bool]]:
    sentences, labels = record["sentences"], record.get("labels")
    if not _is_list_of(sentences, str):
        raise UserError(f'{where}: "sentences" must be a list of strings')
    if labels is None:
        raise UserError(f'{where}: "labels" are missing: 1 where a paragraph begins, else 0')
    if not _is_list_of(labels, int) or not set(labels) <= {0, 1}:
        raise UserError(f'{where}: "labels" must be a list of 0 and 1')
    if len(labels) != len(sentences):
        raise UserError(f"{where}: {len(sentences)} sentences but {len(labels)} labels")
    kept: list[tuple[str, bool]] = []
    begins = False
    for sentence, label in zip(map(normalize, sentences), labels, strict=True):
        begins |= bool(label)
        if sentence:  # a paragraph that an empty one began begins with the next
            kept.append((sentence, begins))
            begins = False
    return [sentence for sentence, _ in kept], [label for _, label in kept]


def _paragraphs(
    record: dict[str, Any], where: str, options: ReadOptions
) -> tuple[list[str], list[bool]]:
    if not _is_list_of(record["paragraphs"], str):
        raise UserError(f'{where}: "paragraphs" must be a list of strings')
    language = options.language or guess_language("".join(record["paragraphs"]))
    rule = sentence_rule(options.sentences)
    sentences: list[str] = []
    labels: list[bool] = []
    for paragraph in record["paragraphs"]:
        found = clean_sentences(paragraph, rule, language)
        sentences += found
        labels += [number == 0 for number in range(len(found))]
    return sentences, labels


def _is_list_of(value: Any, kind: type) -> bool:  # noqa: ANN401
    return isinstance(value, list) and all(isinstance(item, kind) for item in value)
