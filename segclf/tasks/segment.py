"""Segment texts into paragraphs with a ready model or a run."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from embedcache import UserError
from segclf.corpus import BoundaryType, Corpus, Document
from segclf.corpus.languages import guess_language
from segclf.corpus.layout import Layout, Values
from segclf.corpus.sentences import sentence_rule
from segclf.corpus.unpunctuated import with_ends
from segclf.corpus.unsegmented import UnsegmentedText, read_lines, read_sentences
from segclf.scoring.decoding import decode_within, most_probable
from segclf.tasks.models import Compute
from segclf.tasks.predict import Predictor, load_predictor
from segclf.tasks.segment_options import ExistingLayout, SegmentOptions
from segclf.tasks.segmentation import Segmentation
from segclf.workspace.files import warn_once
from segclf.workspace.ready import ReadyModel, load_ready_model, model_for
from segclf.workspace.runs import Run
from segclf.workspace.workspace import Workspace

_FALLBACK = "european"  # its encoder and features suit most languages
_OPENING_QUOTES = ("「", "『", "（")
LAYOUT_IGNORED = (
    "the existing paragraphs of the text are ignored: use --layout keep to keep them, or --layout "
    "ignore to omit this notice"
)
"""Note about a text that has paragraphs, if the caller has not chosen what to do with them."""


class ModelError(UserError):
    """A model cannot be loaded, whatever the text."""


def segment(
    text: str,
    workspace: Workspace | None = None,
    model: Run | ReadyModel | None = None,
    *,
    language: str | None = None,
    layout: ExistingLayout | None = None,
    lines_are_sentences: bool = False,
    threshold: float | None = None,
    paragraphs: int | None = None,
    min_length: int = 1,
    max_length: int | None = None,
    device: str | None = None,
    threads: int | None = None,
    progress: bool = False,
) -> Segmentation:
    """Find the paragraphs of a text.

    Nothing is written. Vectors are read from the store if it has them, and computed otherwise. To
    segment several texts, use a `Segmenter`, which loads a model only once.

    Args:
        text: Text to segment. A line break ends a sentence, unless the lines are wrapped. Headings
            are kept apart from the paragraphs.
        workspace: Workspace whose store is searched for vectors; None for the default one. It may
            have no store.
        model: Run of a head or of a fine-tuned model, or ready model; None for the ready model of
            the language of the text.
        language: Language code (ISO 639-1) of the text; None for the language of the corpus of the
            run, or to detect it.
        layout: "keep" to keep the existing paragraphs and only divide them further; "ignore" to
            ignore them. None for "ignore", with a note if the text has paragraphs.
        lines_are_sentences: Whether each line is a sentence, so that none is split or joined. Blank
            lines mean nothing then.
        threshold: Minimum probability of a boundary; None for the threshold of the model, which was
            chosen on dev.
        paragraphs: Exact number of paragraphs, without headings. The text is split at the most
            probable boundaries.
        min_length: Minimum number of sentences in a paragraph. The last paragraph, and one before a
            heading, may be shorter.
        max_length: Maximum number of sentences in a paragraph; None for no limit.
        device: Device of the encoder and the model; None for the fastest device, except that a
            head uses the CPU.
        threads: Number of CPU threads for each of the two; None for PyTorch's default, except that
            a head uses 1.
        progress: Whether to show a progress bar on standard error.

    Raises:
        UserError: The text has no sentences or fewer than the number of paragraphs, the language is
            unknown, the options are invalid or cannot be combined, or the encoder of the model has
            changed.
    """
    options = SegmentOptions(
        language, layout, lines_are_sentences, threshold, paragraphs, min_length, max_length
    )
    segmenter = Segmenter(workspace or Workspace(), model, Compute(device, threads, progress))
    return segmenter.segment(text, options)


@dataclass(frozen=True)
class Segmenter:
    """Segments texts, and loads each model only once.

    Attributes:
        workspace: Workspace whose store is searched for vectors.
        model: Run or ready model; None for the ready model of the language of each text.
        compute: Device, threads and progress display of the encoder and the model.
    """

    workspace: Workspace
    model: Run | ReadyModel | None = None
    compute: Compute = field(default_factory=Compute)
    _loaded: dict[str, Predictor] = field(default_factory=dict)

    def _load(self, text: str, options: SegmentOptions) -> tuple[Run | ReadyModel, Predictor]:
        """Load the model for a text, unless it is already loaded.

        Raises:
            ModelError: The model cannot be loaded.
        """
        language = options.language or guess_language(text)
        try:
            model = self.model or _choose_model(language)
            if model.name not in self._loaded:
                self._loaded[model.name] = load_predictor(model, self.workspace, self.compute)
        except UserError as error:
            raise ModelError(str(error)) from error
        return model, self._loaded[model.name]

    def segment(self, text: str, options: SegmentOptions) -> Segmentation:
        """Find the paragraphs of a text; see `segment`."""
        model, predict = self._load(text, options)
        run = model.runs["any"] if isinstance(model, ReadyModel) else model
        language = options.language or run.record.language or guess_language(text)
        found = _read(text, model, run, language, options)
        body = ~found.is_heading
        keep = options.layout == "keep"
        starts = _fixed_starts(found, keep=keep)
        texts = [found.sentences[i].text for i in np.flatnonzero(body)]
        if isinstance(model, ReadyModel):  # a run may have been trained without punctuation
            texts = with_ends(texts, language)
        corpus = Corpus.of([Document("", texts, np.zeros(len(texts), dtype=np.bool_))], ["test"])
        found_types = predict(corpus)
        probabilities, threshold, is_paragraph = found_types["any"], run.threshold, None
        if isinstance(model, ReadyModel):
            threshold = model.threshold("any", language)
            if model.is_typed:
                probabilities, own = _combine(model, found_types, language)
                is_paragraph = _with_fixed_types(_spread(own, body), found, starts, keep=keep)
        threshold = threshold if options.threshold is None else options.threshold
        boundaries = _decide(probabilities, starts[body], threshold, options)
        notes = [found.note] if found.note else []
        if options.layout is None and (found.begins[1:] & ~found.is_heading[:-1]).any():
            notes.append(LAYOUT_IGNORED)
        return Segmentation(
            text,
            found.sentences,
            _spread(probabilities, body),
            _spread(boundaries, body),
            found.is_heading,
            is_paragraph,
            options.layout or "ignore",
            language,
            model.name,
            None if options.paragraphs is not None else threshold,
            tuple(notes),
        )


def _choose_model(language: str) -> ReadyModel:
    """Return the ready model for a language; if there is none, a fallback, with a warning."""
    model = model_for(language)
    if model is None:
        model = load_ready_model(_FALLBACK)
        warn_once(f"no ready model was trained on the language {language}: using {model.name}")
    return model


def _is_typed(model: Run | ReadyModel) -> bool:
    return isinstance(model, ReadyModel) and model.is_typed


def _read(
    text: str, model: Run | ReadyModel, run: Run, language: str, options: SegmentOptions
) -> UnsegmentedText:
    if options.lines_are_sentences:
        return read_lines(text)
    rule = sentence_rule(run.record.sentence_rule)
    return read_sentences(text, rule, language, cut_dialogue=_is_typed(model))


def _fixed_starts(found: UnsegmentedText, *, keep: bool) -> NDArray[np.bool_]:
    """Return (n,) bool: where a paragraph begins that no model decides about."""
    starts = np.append(True, found.is_heading[:-1])
    return starts | found.begins if keep else starts


def _decide(
    probabilities: NDArray[np.float32],
    starts: NDArray[np.bool_],
    threshold: float,
    options: SegmentOptions,
) -> NDArray[np.bool_]:
    """Choose the boundaries, (n,) bool, given the probabilities and the fixed boundaries (n,)."""
    # what lies between two fixed boundaries is decoded like a document
    layout = Layout.unlabelled(np.append(np.flatnonzero(starts), len(starts)))
    if options.paragraphs is None:
        return decode_within(
            layout,
            probabilities,
            threshold,
            min_length=options.min_length,
            max_length=options.max_length,
        )
    fewest = len(layout.documents)
    if not fewest <= options.paragraphs <= len(starts):
        reason = f", as headings and kept paragraphs make {fewest}" if fewest > 1 else ""
        raise UserError(
            f"paragraphs is {options.paragraphs}: use {fewest} to {len(starts)}, the number of "
            f"sentences{reason}"
        )
    return most_probable(layout, probabilities, options.paragraphs)


def _combine(
    model: ReadyModel, found: Mapping[BoundaryType, NDArray[np.float32]], language: str
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Combine the probabilities (n,) of the two heads; see `segclf.tasks.find_types`.

    Returns:
        (n,) float32, the probability of any boundary, at least the threshold where the other head
        finds a paragraph; and (n,) bool, whether a boundary begins a paragraph, and not a line of
        dialogue. A boundary that only an option of the caller demands begins a paragraph.
    """
    threshold = model.threshold("any", language)
    is_paragraph = found["paragraph"] >= model.threshold("paragraph", language)
    raised = np.where(is_paragraph, np.maximum(found["any"], np.float32(threshold)), found["any"])
    return raised, is_paragraph | (raised < threshold)


def _with_fixed_types(
    is_paragraph: NDArray[np.bool_],
    found: UnsegmentedText,
    starts: NDArray[np.bool_],
    *,
    keep: bool,
) -> NDArray[np.bool_]:
    """Decide which fixed boundaries begin a paragraph, (n,) bool: no model decides about them.

    A line that is kept begins a paragraph if it is indented, in a text with indents. Otherwise, a
    boundary begins a paragraph unless it begins with a quotation.
    """
    is_quotation = np.array([s.text.startswith(_OPENING_QUOTES) for s in found.sentences])
    fixed = ~is_quotation | found.is_heading
    if keep and found.is_indented is not None:
        fixed = np.where(found.begins, found.is_indented, fixed)
    return np.where(starts, fixed, is_paragraph)


def _spread(values: NDArray[Values], body: NDArray[np.bool_]) -> NDArray[Values]:
    """Return the values (n,) of sentences (b,) and headings; those of headings are True or 1."""
    spread = np.ones(len(body), dtype=values.dtype)
    spread[body] = values
    return spread
