"""Requests and responses of the API of `segtool serve`, as its OpenAPI document describes them."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from segclf.corpus.languages import check_language


def _encodable(text: str) -> str:
    text.encode()  # JSON can contain an unpaired surrogate, for which this raises ValueError
    return text


Text = Annotated[str, AfterValidator(_encodable)]
Kind = Literal["paragraph", "line", "heading"]
ModelName = Annotated[
    Text | None,
    Field(description="Name in /api/models; null for the ready model of the text's language."),
]
Language = Annotated[
    Text | None, Field(description="Language code (ISO 639-1) of the text; null to detect it.")
]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class SegmentBody(_Body):
    """A text to split, and the options."""

    text: Text
    model: ModelName = None
    fast: Annotated[
        bool,
        Field(
            description="If model is null, use the fast ready model for the language. It finds "
            "fewer of the paragraphs."
        ),
    ] = False
    language: Language = None
    layout: Literal["ignore", "keep"] | None = None
    lines_are_sentences: bool = False
    threshold: float | None = None
    paragraphs: int | None = None
    min_length: int = 1
    max_length: int | None = None


class Sentence(_Body):
    """A sentence or a heading, and what the model predicts for it."""

    text: Text
    start: Annotated[int, Field(ge=0, description="Offset of its first character in the text.")]
    end: Annotated[int, Field(ge=0, description="Offset after its last character.")]
    before: Annotated[
        str, Field(description="Whitespace between the previous sentence and this one.")
    ] = ""
    probability: Annotated[
        float, Field(ge=0, le=1, description="Probability of a boundary before it.")
    ]
    boundary: Annotated[bool, Field(description="Whether a paragraph, line or heading begins.")]
    kind: Annotated[Kind, Field(description="What begins here if there is a boundary.")]
    fixed: Annotated[bool, Field(description="Whether it is a boundary at every threshold.")] = (
        False
    )


class Header(BaseModel):
    """How a text was read."""

    model: str
    language: str
    threshold: Annotated[
        float | None, Field(description="null if a number of paragraphs was given.")
    ]
    typed: Annotated[
        bool, Field(description="Whether the model distinguishes paragraphs from lines.")
    ]
    count: Annotated[int, Field(description="Number of sentences and headings.")]
    notes: list[str]


class Segmented(Header):
    """A text that is split into paragraphs."""

    sentences: list[Sentence]


class ExplainBody(_Body):
    """The sentences around a boundary."""

    sentences: Annotated[list[Text], Field(min_length=2, max_length=1000)]
    position: Annotated[
        int, Field(ge=1, description="Index in sentences of the sentence after the boundary.")
    ]
    model: ModelName = None
    language: Language = None


class LeftOut(BaseModel):
    """The probability of a boundary without one of the sentences, given by its index."""

    sentence: int
    probability: float


class Explained(BaseModel):
    """The probability of a boundary, and its probabilities without each nearby sentence."""

    head: Annotated[
        str,
        Field(description="Head that predicts them: any (boundaries of any type) or paragraph."),
    ]
    probability: float
    threshold: float
    left_out: list[LeftOut]


class WriteBody(_Body):
    """A text with paragraphs that a reader may have corrected, and the format to write it in."""

    format: Literal["page", "text", "html", "json"]
    text: Text
    language: Text
    layout: Literal["ignore", "keep"] = "ignore"
    model: Text = ""
    threshold: float | None = None
    sentences: Annotated[list[Sentence], Field(min_length=1)]


class LabelledText(_Body):
    """The checked sentences of a text, with labels as in a JSON Lines corpus."""

    sentences: list[Text]
    labels: Annotated[
        list[Literal[0, 1, 2]],
        Field(
            description="1 for a boundary, 0 otherwise; with a typed model, 2 for a paragraph, "
            "1 for a line, 0 otherwise."
        ),
    ]


class AdaptBody(_Body):
    """Corrected texts, and the model from which training starts."""

    texts: Annotated[list[LabelledText], Field(min_length=1)]
    model: ModelName = None
    language: Language = None


class Scores(BaseModel):
    """Scores for the boundaries of one type."""

    precision: float
    recall: float
    f1: float
    pk: float
    window_diff: float


class HeldOutScores(BaseModel):
    """Scores on held-out sentences."""

    types: Annotated[
        dict[Literal["any", "line", "paragraph"], Scores],
        Field(description="any; with a typed model, also line and paragraph if they occur."),
    ]
    errors: Annotated[
        int,
        Field(description="Number of sentences whose predicted label or type is wrong."),
    ]


class Adapted(BaseModel):
    """An adapted model, and its scores in a cross-validation over the corrected texts."""

    run: str
    start: str
    workspace: str
    temporary: Annotated[bool, Field(description="Whether the workspace is a temporary folder.")]
    corpus: str
    sentences: int
    boundaries: int
    scored: int
    folds: int
    before: HeldOutScores | None
    after: HeldOutScores | None
    notes: list[str]


class ReadFile(BaseModel):
    """The text in a file."""

    text: str
    encoding: str


class Model(BaseModel):
    """A model that can be chosen."""

    name: str
    is_run: bool
    description: str
    languages: list[str]
    typed: bool
    fast: Annotated[bool, Field(description="Whether the model is faster but less accurate.")]
    adaptable: Annotated[bool, Field(description="Whether training can start from it.")]


class Models(BaseModel):
    """The ready models, the runs (latest first), and the workspace in which new runs are saved."""

    models: list[Model]
    workspace: str
    version: str


class Error(BaseModel):
    """What went wrong, in one line."""

    detail: str


def checked_language(language: str | None) -> str | None:
    """Return a language code, or None, after checking it.

    Raises:
        UserError: The language is unknown.
    """
    check_language(language)
    return language
