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
    """Return whether the first line that is not blank is a JSON object."""
    first = text.lstrip().split("\n", 1)[0]
    if not first.startswith("{"):
        return False
    try:
        return isinstance(json.loads(first), dict)
    except (ValueError, RecursionError):
        return False


def read(text: str, document_id: str, options: ReadOptions) -> list[Document]:
    """Read the documents of a file, one per line that is not blank.

    Raises:
        UserError: A line is not a valid document; the message contains its number.
    """
    documents = []
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            location = f"{document_id} line {number}"
            record = _parse_record(line, location)
            documents.append(_to_document(record, location, f"{document_id}:{number}", options))
    return documents


def _parse_record(line: str, location: str) -> dict[str, Any]:
    try:
        record = json.loads(line)
        json.dumps(record, ensure_ascii=False).encode()  # fails if a surrogate is unpaired
    except json.JSONDecodeError as error:
        raise UserError(
            f"{location}: invalid JSON ({error.msg} at column {error.colno})"
        ) from error
    except UnicodeEncodeError as error:  # for example, one half of an emoji
        raise UserError(f"{location}: unpaired surrogate {error.object[error.start]!r}") from error
    except (ValueError, RecursionError) as error:  # limits of Python, not of JSON
        raise UserError(
            f"{location}: invalid JSON (a number is too long, or the nesting is too deep)"
        ) from error
    if not isinstance(record, dict) or not ({"sentences", "paragraphs"} & record.keys()):
        raise UserError(f'{location}: expected an object with "sentences" or "paragraphs"')
    return record


def _to_document(
    record: dict[str, Any], location: str, default_id: str, options: ReadOptions
) -> Document:
    split = record.get("split")
    if split not in (None, *SPLITS):
        raise UserError(f'{location}: "split" is {split!r}: use one of {", ".join(SPLITS)}')
    typed = record.get("typed")
    if not isinstance(typed, bool | None):
        raise UserError(f'{location}: "typed" is {typed!r}: use true or false')
    if "sentences" in record:
        sentences, labels = _labelled(record, location)
        if typed is False and PARAGRAPH in labels:
            raise UserError(f'{location}: "typed" is false, but a label is 2: leave out "typed"')
    elif typed:
        raise UserError(
            f'{location}: "typed" describes labels: leave it out, or give "sentences" and "labels"'
        )
    else:
        sentences, labels = _split_paragraphs(record, location, options)
    given_id = record.get("id")
    return Document(
        default_id if given_id is None else str(given_id),
        sentences,
        np.array(labels, dtype=np.int8),
        split=split,
        is_typed=typed or None,
    )


def _labelled(record: dict[str, Any], location: str) -> tuple[list[str], list[int]]:
    """Return the sentences that are not empty, and their labels.

    If a sentence is empty, its label moves to the next sentence, unless that has a greater label.
    """
    _check_sentences(record, location)
    sentences: list[str] = []
    labels: list[int] = []
    pending = 0
    for sentence, label in zip(map(normalize, record["sentences"]), record["labels"], strict=True):
        pending = max(pending, int(label))
        if sentence:
            sentences.append(sentence)
            labels.append(pending)
            pending = 0
    return sentences, labels


def _check_sentences(record: dict[str, Any], location: str) -> None:
    sentences, labels = record["sentences"], record.get("labels")
    if not _is_list_of(sentences, str):
        raise UserError(f'{location}: "sentences" must be a list of strings')
    if labels is None:
        raise UserError(
            f'{location}: "labels" are missing: add 1 where a paragraph begins, 0 elsewhere'
        )
    if not _is_list_of(labels, int) or not set(labels) <= {0, LINE, PARAGRAPH}:
        raise UserError(f'{location}: "labels" must be a list of 0s and 1s, or of 0s, 1s and 2s')
    if len(labels) != len(sentences):
        raise UserError(
            f'{location}: "sentences" has length {len(sentences)}, but "labels" has {len(labels)}'
        )


def _split_paragraphs(
    record: dict[str, Any], location: str, options: ReadOptions
) -> tuple[list[str], list[int]]:
    if not _is_list_of(record["paragraphs"], str):
        raise UserError(f'{location}: "paragraphs" must be a list of strings')
    language = options.language or guess_language("".join(record["paragraphs"]))
    rule = sentence_rule(options.sentences)
    sentences: list[str] = []
    labels: list[int] = []
    for paragraph in record["paragraphs"]:
        found = split_sentences(paragraph, rule, language)
        sentences += found
        labels += unit_labels(1, len(found))
    return sentences, labels


def _is_list_of(value: object, kind: type) -> bool:
    return isinstance(value, list) and all(isinstance(item, kind) for item in value)
