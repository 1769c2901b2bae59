"""Segment texts into paragraphs with a ready model or a run."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from embedcache import UserError
from segclf.corpus import Corpus, Document
from segclf.corpus.languages import guess_language
from segclf.corpus.layout import Layout, Values
from segclf.corpus.sentences import sentence_rule
from segclf.corpus.unpunctuated import with_ends
from segclf.corpus.unsegmented import UnsegmentedText, read_lines, read_sentences
from segclf.scoring.decoding import decode_within, most_probable
from segclf.tasks.find_types import combine
from segclf.tasks.models import Compute
from segclf.tasks.predict import Predictor, load_predictor
from segclf.tasks.segment_options import ExistingLayout, SegmentOptions
from segclf.tasks.segmentation import Segmentation
from segclf.workspace.files import warn_once
from segclf.workspace.ready import ReadyModel, model_for
from segclf.workspace.runs import Run
from segclf.workspace.workspace import Workspace

_FALLBACK = "en"  # the encoder and features of its model suit most languages
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
    fast: bool = False,
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
        fast: Whether to use the fast ready model, if `model` is None.
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
        threads: Number of CPU threads; None for the number of cores for the encoder, and 1 for a
            head.
        progress: Whether to show a progress bar on standard error.

    Raises:
        UserError: The text has no sentences or fewer than the number of paragraphs, the language is
            unknown, the options are invalid or cannot be combined, or the encoder of the model has
            changed.
    """
    options = SegmentOptions(
        language=language,
        layout=layout,
        lines_are_sentences=lines_are_sentences,
        threshold=threshold,
        paragraphs=paragraphs,
        min_length=min_length,
        max_length=max_length,
    )
    compute = Compute(device, threads, progress)
    segmenter = Segmenter(workspace or Workspace(), model, compute, fast=fast)
    return segmenter.segment(text, options)


@dataclass(frozen=True)
class Segmenter:
    """Segments texts, and loads each model only once.

    Attributes:
        workspace: Workspace whose store is searched for vectors.
        model: Run or ready model; None for the ready model of the language of each text.
        compute: Device, threads and progress display of the encoder and the model.
        fast: Whether to use the fast ready models, if `model` is None.
    """

    workspace: Workspace
    model: Run | ReadyModel | None = None
    compute: Compute = field(default_factory=Compute)
    fast: bool = False
    _loaded: dict[str, Predictor] = field(default_factory=dict, init=False, repr=False)

    def _load(self, text: str, options: SegmentOptions) -> tuple[Run | ReadyModel, Predictor]:
        """Load the model for a text, unless it is already loaded.

        Raises:
            ModelError: The model cannot be loaded.
        """
        language = options.language or guess_language(text)
        try:
            model = self.model or _choose_model(language, fast=self.fast)
            if model.name not in self._loaded:
                self._loaded[model.name] = load_predictor(model, self.workspace, self.compute)
        except UserError as error:
            raise ModelError(str(error)) from error
        return model, self._loaded[model.name]

    def segment(self, text: str, options: SegmentOptions) -> Segmentation:
        """Find the paragraphs of a text; see `segment`."""
        model, predict = self._load(text, options)
        if isinstance(model, ReadyModel):
            run, cut_dialogue = model.runs["any"], model.is_typed
        else:
            run, cut_dialogue = model, False
        language = options.language or run.record.language or guess_language(text)
        found = _read(text, run, language, options, cut_dialogue=cut_dialogue)
        body = ~found.is_heading
        starts = _fixed_starts(found, options)
        texts = [found.sentences[i].text for i in np.flatnonzero(body)]
        predicted = _predict(model, predict, texts, language)
        threshold = predicted.threshold if options.threshold is None else options.threshold
        boundaries = _decide(predicted.probabilities, starts[body], threshold, options)
        is_paragraph = predicted.is_paragraph
        if is_paragraph is not None:
            is_paragraph = _with_fixed_types(_spread(is_paragraph, body), found, starts, options)
        return Segmentation(
            text=text,
            sentences=found.sentences,
            probabilities=_spread(predicted.probabilities, body),
            boundaries=_spread(boundaries, body),
            is_heading=found.is_heading,
            is_paragraph=is_paragraph,
            layout=options.layout or "ignore",
            language=language,
            model=model.name,
            threshold=None if options.paragraphs is not None else threshold,
            notes=_notes(found, options),
        )


@dataclass(frozen=True)
class _Predicted:
    """What a model says about n sentences.

    Attributes:
        probabilities: (n,) float32 probability that each sentence is a boundary.
        threshold: Threshold of the model.
        is_paragraph: (n,) bool, whether each sentence begins a paragraph, and not a line of
            dialogue, if it is a boundary; None if the model does not distinguish them.
    """

    probabilities: NDArray[np.float32]
    threshold: float
    is_paragraph: NDArray[np.bool_] | None = None


def _predict(
    model: Run | ReadyModel, predict: Predictor, texts: list[str], language: str
) -> _Predicted:
    """Predict the boundaries of one text of n sentences, without headings."""
    if isinstance(model, ReadyModel):  # a run may have been trained without punctuation
        texts = with_ends(texts, language)
    document = Document("", texts, np.zeros(len(texts), dtype=np.bool_))
    by_type = predict(Corpus.of([document], ["test"]))
    if not isinstance(model, ReadyModel):
        return _Predicted(by_type["any"], model.threshold)
    thresholds = {name: model.threshold(name, language) for name in model.runs}
    if not model.is_typed:
        return _Predicted(by_type["any"], thresholds["any"])
    probabilities, is_paragraph = combine(by_type, thresholds)
    # a boundary that only an option of the caller demands begins a paragraph
    is_paragraph |= probabilities < thresholds["any"]
    return _Predicted(probabilities, thresholds["any"], is_paragraph)


def _choose_model(language: str, *, fast: bool) -> ReadyModel:
    """Return the ready model for a language; if there is none, a fallback, with a warning."""
    if model := model_for(language, fast=fast):
        return model
    model = model_for(_FALLBACK, fast=fast)
    if model is None:
        raise UserError("segtool has no ready models: install it again")
    warn_once(f"no ready model was trained on the language {language}: using {model.name}")
    return model


def _read(
    text: str, run: Run, language: str, options: SegmentOptions, *, cut_dialogue: bool
) -> UnsegmentedText:
    if options.lines_are_sentences:
        return read_lines(text)
    rule = sentence_rule(run.record.sentence_rule)
    return read_sentences(text, rule, language, cut_dialogue=cut_dialogue)


def _fixed_starts(found: UnsegmentedText, options: SegmentOptions) -> NDArray[np.bool_]:
    """Return (n,) bool: where a paragraph begins that no model decides about."""
    starts = np.append(True, found.is_heading[:-1])
    return starts | found.begins if options.layout == "keep" else starts


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
        reason = " (required by headings and kept paragraphs)" if fewest > 1 else ""
        raise UserError(
            f"paragraphs is {options.paragraphs}, but must be from {fewest}{reason} to "
            f"{len(starts)} (the number of sentences)"
        )
    return most_probable(layout, probabilities, options.paragraphs)


def _with_fixed_types(
    is_paragraph: NDArray[np.bool_],
    found: UnsegmentedText,
    starts: NDArray[np.bool_],
    options: SegmentOptions,
) -> NDArray[np.bool_]:
    """Decide which fixed boundaries begin a paragraph, (n,) bool: no model decides about them.

    A line that is kept begins a paragraph if it is indented, in a text with indents. Otherwise, a
    boundary begins a paragraph unless it begins with a quotation.
    """
    is_quotation = np.array([s.text.startswith(_OPENING_QUOTES) for s in found.sentences])
    fixed = ~is_quotation | found.is_heading
    if options.layout == "keep" and found.is_indented is not None:
        fixed = np.where(found.begins, found.is_indented, fixed)
    return np.where(starts, fixed, is_paragraph)


def _spread(values: NDArray[Values], body: NDArray[np.bool_]) -> NDArray[Values]:
    """Return the values (n,) of sentences (b,) and headings; those of headings are True or 1."""
    spread = np.ones(len(body), dtype=values.dtype)
    spread[body] = values
    return spread


def _notes(found: UnsegmentedText, options: SegmentOptions) -> tuple[str, ...]:
    notes = (found.note,) if found.note else ()
    has_paragraphs = (found.begins[1:] & ~found.is_heading[:-1]).any()
    return (*notes, LAYOUT_IGNORED) if options.layout is None and has_paragraphs else notes
