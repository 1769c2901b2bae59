"""Reader for JSON Lines: one document per line, as labelled sentences or as paragraphs.

{"id": "a", "sentences": ["One.", "Two."], "labels": [1, 0], "split": "train"}
{"id": "b", "paragraphs": ["One. Two.", "Three."]}

A label is 1 where a paragraph begins, and 0 otherwise. Typed labels are 1 where a line begins and 2
where a paragraph begins; "typed": true marks labels as typed even if none is 2. "id" and "split"
are optional.
"""

import json
from typing import Any

import numpy as np

from embedcache import UserError, normalize
from segclf.corpus.documents import LINE, PARAGRAPH, SPLITS, Document, unit_labels
from segclf.corpus.languages import guess_language
from segclf.corpus.options import ReadOptions
from segclf.corpus.sentences import sentence_rule, split_sentences


def recognizes(text: str) -> bool:
    """Return whether the first line is a JSON object."""
    first = text.lstrip().split("\n", 1)[0]
    if not first.startswith("{"):
        return False
    try:
        return isinstance(json.loads(first), dict)
    except json.JSONDecodeError:
        return False


def read(text: str, document_id: str, options: ReadOptions) -> list[Document]:
    """Read the documents of a file, one per line that is not blank.

    Raises:
        UserError: A line is not a valid document; the message contains its number.
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
        raise UserError(f"{where}: invalid JSON ({error.msg} at column {error.colno})") from error
    try:
        json.dumps(record, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:  # for example, one half of an emoji
        raise UserError(f"{where}: unpaired surrogate {error.object[error.start]!r}") from error
    if not isinstance(record, dict) or not ({"sentences", "paragraphs"} & record.keys()):
        raise UserError(f'{where}: expected an object with "sentences" or "paragraphs"')
    split = record.get("split")
    if split not in (None, *SPLITS):
        raise UserError(f'{where}: "split" is {split!r}: use one of {", ".join(SPLITS)}')
    document_id = str(record.get("id", default_id))
    read = _labelled if "sentences" in record else _paragraphs
    sentences, labels = read(record, where, options)
    label_array = np.array(labels, dtype=np.int8)
    typed = True if record.get("typed") is True else None
    return Document(document_id, sentences, label_array, split=split, is_typed=typed)


def _labelled(
    record: dict[str, Any], where: str, _options: ReadOptions
) -> tuple[list[str], list[int]]:
    sentences, labels = record["sentences"], record.get("labels")
    if not _is_list_of(sentences, str):
        raise UserError(f'{where}: "sentences" must be a list of strings')
    if labels is None:
        raise UserError(
            f'{where}: "labels" are missing: add 1 where a paragraph begins, 0 elsewhere'
        )
    if not _is_list_of(labels, int) or not set(labels) <= {0, LINE, PARAGRAPH}:
        raise UserError(f'{where}: "labels" must be a list of 0s and 1s, or of 0s, 1s and 2s')
    if len(labels) != len(sentences):
        raise UserError(
            f'{where}: "sentences" has length {len(sentences)}, but "labels" has {len(labels)}'
        )
    kept: list[str] = []
    kept_labels: list[int] = []
    pending = 0
    for sentence, label in zip(map(normalize, sentences), labels, strict=True):
        pending = max(pending, int(label))
        if sentence:  # an empty sentence is dropped; its label moves to the next one
            kept.append(sentence)
            kept_labels.append(pending)
            pending = 0
    return kept, kept_labels


def _paragraphs(
    record: dict[str, Any], where: str, options: ReadOptions
) -> tuple[list[str], list[int]]:
    if not _is_list_of(record["paragraphs"], str):
        raise UserError(f'{where}: "paragraphs" must be a list of strings')
    language = options.language or guess_language("".join(record["paragraphs"]))
    rule = sentence_rule(options.sentences)
    sentences: list[str] = []
    labels: list[int] = []
    for paragraph in record["paragraphs"]:
        found = split_sentences(paragraph, rule, language)
        sentences += found
        labels += unit_labels(1, len(found))
    return sentences, labels


def _is_list_of(value: Any, kind: type) -> bool:  # noqa: ANN401
    return isinstance(value, list) and all(isinstance(item, kind) for item in value)
