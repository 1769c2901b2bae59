"""A loaded model for texts in one language. It predicts their boundaries at once or in parts."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segclf.corpus import BoundaryType, Corpus, Document
from segclf.corpus.unpunctuated import add_punctuation
from segclf.heads.names import WINDOW
from segclf.tasks.find_types import combine
from segclf.tasks.predict import Predictor
from segclf.workspace.ready import ReadyModel
from segclf.workspace.runs import Run


@dataclass(frozen=True)
class Predicted:
    """Predictions of a model for n sentences.

    Attributes:
        probabilities: (n,) float32 probability that each sentence is a boundary.
        is_paragraph: (n,) bool, whether each sentence, if it is a boundary, begins a paragraph
            rather than a line of dialogue; None if the model does not distinguish them.
    """

    probabilities: NDArray[np.float32]
    is_paragraph: NDArray[np.bool_] | None = None

    def select(self, start: int, stop: int) -> "Predicted":
        """Return the predictions for the sentences from `start` to `stop` - 1."""
        types = self.is_paragraph
        return Predicted(
            self.probabilities[start:stop], None if types is None else types[start:stop]
        )


@dataclass(frozen=True)
class TextModel:
    """A loaded model for texts in one language.

    Attributes:
        model: Run or ready model.
        predict: The loaded model.
        language: Code of the language, on which the thresholds of a ready model depend.
    """

    model: Run | ReadyModel
    predict: Predictor
    language: str

    @property
    def run(self) -> Run:
        """The run of the head that predicts boundaries of any type, or of the only head."""
        return self.model.runs["any"]

    @property
    def is_typed(self) -> bool:
        """Whether the model distinguishes paragraphs from lines of dialogue."""
        return self.model.is_typed

    @property
    def thresholds(self) -> dict[BoundaryType, float]:
        """Thresholds of the heads for the language."""
        return self.model.thresholds_for(self.language)

    @property
    def threshold(self) -> float:
        """Threshold for the probability of a boundary of any type."""
        return self.thresholds["any"]

    @property
    def reach(self) -> int | None:
        """Number of sentences that the model reads on each side; None if it reads whole texts."""
        runs = self.model.runs.values()
        if any(run.kind != "head" or run.record.context != "window" for run in runs):
            return None
        return max(run.record.training_options.window or WINDOW for run in runs)

    def as_read(self, sentences: list[str]) -> list[str]:
        """Return the sentences of a text as the model reads them; see `add_punctuation`."""
        if isinstance(self.model, ReadyModel):  # a run may have been trained without punctuation
            return add_punctuation(sentences, self.language)
        return sentences

    def predict_types(
        self, documents: Sequence[Sequence[str]]
    ) -> Mapping[BoundaryType, NDArray[np.float32]]:
        """Predict the probabilities of boundaries with each head of the model.

        Args:
            documents: The sentences of each text, as `as_read` returns them.

        Returns:
            For each head, (n,) float32 calibrated probabilities for all sentences, one text after
            another.
        """
        corpus = Corpus.of(
            [
                Document("", list(sentences), np.zeros(len(sentences), dtype=np.bool_))
                for sentences in documents
            ],
            ["test"] * len(documents),
        )
        return self.predict(corpus)

    def predict_documents(self, documents: Sequence[Sequence[str]]) -> Predicted:
        """Predict the boundaries of texts; see `predict_types`.

        Returns:
            The predictions for all n sentences, one text after another.
        """
        by_type = self.predict_types(documents)
        if not self.is_typed:
            return Predicted(by_type["any"])
        probabilities, is_paragraph = combine(by_type, self.thresholds)
        # below the threshold, only an option can set a boundary, which then begins a paragraph
        return Predicted(probabilities, is_paragraph | (probabilities < self.threshold))

    def predict_parts(self, sentences: list[str], size: int) -> Iterator[Predicted]:
        """Predict the boundaries of one text in parts, in the order of the text.

        To predict a part, the model also reads the sentences around the part that are within its
        reach. A model that reads the whole text predicts it in one part.

        Args:
            sentences: n sentences as `as_read` returns them.
            size: Number of sentences in a part.

        Yields:
            The predictions for the sentences of each part.
        """
        n, reach = len(sentences), self.reach
        if reach is None:
            size = reach = n
        for start in range(0, n, size):
            stop = min(start + size, n)
            first = max(start - reach, 0)
            found = self.predict_documents([sentences[first : stop + reach]])
            yield found.select(start - first, stop - first)
