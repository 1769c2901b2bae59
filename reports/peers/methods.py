"""The methods, and the paths of their records."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

RECORDS = Path(__file__).parents[1] / "data"

Segment = Callable[..., NDArray[np.bool_]]
"""Segments a work with some parameters; see `reports.peers`."""


@dataclass(frozen=True)
class Method:
    """A method of text segmentation.

    Attributes:
        module: Name of the module in this package.
        name: Name on the pages.
        description: Description of the method and of how it was run, for the page.
    """

    module: str
    name: str
    description: str

    @property
    def record(self) -> Path:
        """Path of the record."""
        return RECORDS / f"peer-{self.module}.json"

    def load(self) -> tuple[Segment, list[dict[str, Any]]]:
        """Return the function that segments a work, and the parameters to choose from.

        Raises:
            ImportError: The package of the method is not installed.
        """
        module = import_module(f"{__package__}.{self.module}")
        return module.segment, module.GRID


METHODS = (
    Method(
        "texttiling",
        "TextTiling",
        "Hearst (1997): places boundaries where the words change; our implementation, on the given "
        "sentences. NLTK's implementation drops every letter except a to z, and its time is "
        "quadratic in the length of a text.",
    ),
    Method(
        "graphseg",
        "GraphSeg",
        "Glavaš, Nanni and Ponzetto (2016): merges similar sentences; our implementation, on the "
        "given sentences, with the cosine of sentence vectors as similarity.",
    ),
    Method(
        "textsplit",
        "textsplit",
        "Alemi and Ginsparg (2015): the segmentation with the longest sums of vectors, at a cost "
        "for each boundary; the package textsplit, on the given sentences.",
    ),
    Method(
        "langchain",
        "LangChain `SemanticChunker`",
        "places boundaries where neighbouring vectors differ most; the package "
        "langchain-experimental, on the given sentences.",
    ),
    Method(
        "llamaindex",
        "LlamaIndex `SemanticSplitterNodeParser`",
        "places boundaries where neighbouring vectors differ most; the package llama-index-core, "
        "on the given sentences.",
    ),
    Method(
        "chonkie",
        "chonkie `SemanticChunker`",
        "places boundaries at the minima of a smoothed similarity; the package chonkie, on the "
        "given sentences.",
    ),
    Method(
        "semantic_text_splitter",
        "semantic-text-splitter",
        "fills chunks of at most a given size with whole sentences, which it finds itself; it "
        "reads no vectors. A chunk that begins inside a sentence is counted from the next "
        "sentence.",
    ),
    Method(
        "semchunk",
        "semchunk",
        "divides the text at punctuation and spaces until no part exceeds a given size; it reads "
        "no vectors. A chunk that begins inside a sentence is counted from the next sentence.",
    ),
)

NOT_RUN = {
    "wtpsplit (SaT, WtP)": "its weights are on the Hugging Face Hub, which could not be reached; "
    "no package of the Python package index contains them.",
    "chonky, and chonkie `NeuralChunker`": "their weights are on the Hugging Face Hub too.",
    "semantic-chunkers": "it needs openai below 3, which conflicts with the pinned dependencies of "
    "segtool. Its `ConsecutiveChunker` applies a threshold to the distances that LangChain uses.",
    "nupunkt": "its paragraph tokenizer only finds blank lines, which these texts do not have.",
    "chonkie `SlumberChunker`": "it needs the API of a large language model.",
}
"""Reasons why other methods were not run."""
