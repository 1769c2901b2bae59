"""Tokenizers with only the part of a large vocabulary that occurs in a text.

A unigram tokenizer (Kudo 2018, "Subword Regularization") chooses the most probable sequence of
pieces. Only substrings of the text can be pieces of this sequence, and the score of unknown
characters depends only on the smallest score. Therefore a tokenizer with these pieces and the piece
of the smallest score gives the same result. It is made in a fraction of the time that a tokenizer
with the whole vocabulary takes.
"""

import json
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

PIECES, SCORES, PIPELINE = "pieces.txt", "scores.npy", "pipeline.json"
_MIN_PIECES = 50_000  # smaller vocabularies load fast enough


@dataclass(frozen=True)
class PartialVocabulary:
    """The vocabulary of a unigram tokenizer, from which parts are taken.

    Attributes:
        pieces: v pieces, in the order of their ids.
        scores: (v,) float64 log-probability of each piece.
        pipeline: Content of tokenizer.json, with an empty vocabulary.
    """

    pieces: list[str]
    scores: NDArray[np.float64]
    pipeline: dict[str, Any]

    @classmethod
    def save(cls, tokenizer: Tokenizer, folder: Path) -> None:
        """Write the files that `open` reads; write nothing if the vocabulary cannot be divided."""
        content = json.loads(tokenizer.to_str())
        model = content["model"]
        vocabulary = model.pop("vocab", [])
        if not _can_be_divided(content, vocabulary):
            return
        model["vocab"] = []
        pieces = [piece for piece, _ in vocabulary]
        (folder / PIECES).write_text("\n".join(pieces), encoding="utf-8", newline="")
        np.save(folder / SCORES, np.array([score for _, score in vocabulary]))
        (folder / PIPELINE).write_text(json.dumps(content), encoding="utf-8")

    @classmethod
    def open(cls, folder: Path) -> "PartialVocabulary | None":
        """Read the vocabulary in a folder; return None if `save` wrote none."""
        if not (folder / PIPELINE).exists():
            return None
        with open(folder / PIECES, encoding="utf-8", newline="") as file:
            pieces = file.read().split("\n")
        pipeline = json.loads((folder / PIPELINE).read_text(encoding="utf-8"))
        return cls(pieces, np.load(folder / SCORES), pipeline)

    def suits(self, texts: list[str]) -> bool:
        """Return whether no text contains an added token, such as "<s>", which divides a word."""
        added = [token["content"] for token in self.pipeline["added_tokens"]]
        # some added tokens are found in the text as it is, others in the normalized text
        normalized = self._normalize(self._minimal_tokenizer(), texts)
        return not any(token in text for text in (*texts, *normalized) for token in added)

    def tokenizer_for(self, texts: list[str]) -> tuple[Tokenizer, NDArray[np.int32]]:
        """Make a tokenizer for these texts only; `suits` must accept them.

        Returns:
            The tokenizer, and for each of its k token ids, the id in the whole vocabulary: (k,)
            int32.
        """
        added = [token["id"] for token in self.pipeline["added_tokens"]]
        words = self._words(texts)
        longest = max(map(len, self.pieces))
        found = {
            word[start:stop]
            for word in words
            for start in range(len(word))
            for stop in range(start + 1, min(start + longest, len(word)) + 1)
        }
        kept = [id_ for id_, piece in enumerate(self.pieces) if piece in found]
        required = {self.pipeline["model"]["unk_id"], int(self.scores.argmin())}
        kept = sorted({*kept, *required, *(i for i in added if i < len(self.pieces))})
        new_ids = {old: new for new, old in enumerate(kept)}
        without_piece = [old for old in sorted(added) if old not in new_ids]
        new_ids |= {old: len(kept) + place for place, old in enumerate(without_piece)}
        tokenizer = Tokenizer.from_str(json.dumps(self._renumbered(kept, new_ids)))
        return tokenizer, np.array([*kept, *without_piece], dtype=np.int32)

    def _words(self, texts: list[str]) -> set[str]:
        """Return the words of texts as the model of the tokenizer reads them."""
        tokenizer = self._minimal_tokenizer()
        splitter = tokenizer.pre_tokenizer
        words: set[str] = set()
        for text in self._normalize(tokenizer, texts):
            parts = splitter.pre_tokenize_str(text) if splitter else [(text, None)]
            words.update(word for word, _ in parts)
        return words

    def _minimal_tokenizer(self) -> Tokenizer:
        """Return a tokenizer with a single piece, which can only normalize and split text."""
        return Tokenizer.from_str(json.dumps(self._renumbered([0], {})))

    @staticmethod
    def _normalize(tokenizer: Tokenizer, texts: list[str]) -> list[str]:
        normalizer = tokenizer.normalizer
        return [normalizer.normalize_str(text) for text in texts] if normalizer else texts

    def _renumbered(self, kept: list[int], new_ids: dict[int, int]) -> dict[str, Any]:
        """Return the content of tokenizer.json for some of the pieces, with new ids.

        Args:
            kept: Ids of the pieces in the whole vocabulary.
            new_ids: Dict from the id of a token in the whole vocabulary to its new id.
        """
        model = self.pipeline["model"]
        vocabulary = [[self.pieces[id_], float(self.scores[id_])] for id_ in kept]
        changed = {"vocab": vocabulary, "unk_id": new_ids.get(model["unk_id"], 0)}
        tokens = [
            token | {"id": new_ids[token["id"]]}
            for token in self.pipeline["added_tokens"]
            if token["id"] in new_ids
        ]
        processor = deepcopy(self.pipeline["post_processor"])
        for token in (processor or {}).get("special_tokens", {}).values():
            token["ids"] = [new_ids.get(id_, 0) for id_ in token["ids"]]
        return self.pipeline | {
            "model": model | changed,
            "added_tokens": tokens,
            "post_processor": processor,
        }


def _can_be_divided(content: dict[str, Any], vocabulary: list[tuple[str, float]]) -> bool:
    """Return whether this module supports the tokenizer with this content of tokenizer.json."""
    model, processor = content["model"], content["post_processor"]
    return (
        model["type"] == "Unigram"
        and model["unk_id"] is not None
        and (processor is None or processor["type"] == "TemplateProcessing")  # see _renumbered
        and not model.get("byte_fallback")
        and len(vocabulary) >= _MIN_PIECES
        and not any("\n" in piece for piece, _ in vocabulary)
    )
