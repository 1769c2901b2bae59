"""Segment texts into paragraphs with a ready model or a run."""

from dataclasses import dataclass, field, replace

from embedcache import UserError
from segclf.corpus.languages import guess_language, language_warning, unexpected_language
from segclf.corpus.sentences import sentence_rule
from segclf.corpus.unsegmented import UnsegmentedText, read_lines, read_sentences
from segclf.tasks.models import Compute
from segclf.tasks.predict import Predictor, load_predictor
from segclf.tasks.read_text import ReadText
from segclf.tasks.segment_options import ExistingLayout, SegmentOptions
from segclf.tasks.segmentation import Segmentation
from segclf.tasks.text_model import TextModel
from segclf.workspace.files import warn_once
from segclf.workspace.ready import ReadyModel, model_for
from segclf.workspace.runs import Run
from segclf.workspace.workspace import Workspace

_FALLBACK = "en"  # the encoder and the features of the English model suit most languages


class ModelError(UserError):
    """A model cannot be loaded. The error does not depend on the text."""


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

    No file is written. Vectors are read from the store if the store has them, and computed
    otherwise. To segment several texts, use a `Segmenter`, which loads a model only once.

    Args:
        text: Text to segment. A line break ends a sentence, unless the lines are wrapped. Headings
            are kept separate from the paragraphs.
        workspace: Workspace whose store is searched for vectors; None for the default one. It may
            have no store.
        model: Run of a head or of a fine-tuned model, or ready model; None for the ready model for
            the language of the text, or the English one if there is none.
        fast: Whether to use the fast ready model, if `model` is None.
        language: Language code (ISO 639-1) of the text; None for the language of the corpus of the
            run, or to detect it.
        layout: "keep" to keep the existing paragraphs and only divide them further; "ignore" to
            ignore them. None for "ignore", with a note if the text has paragraphs.
        lines_are_sentences: Whether each line is a sentence, so that no line is split or joined.
            Then blank lines are ignored.
        threshold: Minimum probability of a boundary; None for the threshold of the model, which was
            chosen on dev.
        paragraphs: Exact number of paragraphs, without headings. The text is split at the most
            probable boundaries.
        min_length: Minimum number of sentences in a paragraph. The last paragraph, and a paragraph
            before a heading or a kept boundary, may be shorter.
        max_length: Maximum number of sentences in a paragraph; None for no limit.
        device: Device of the encoder and the model; None for the fastest device, except that a
            head uses the CPU.
        threads: Number of CPU threads; None for the number of cores for the encoder, 1 for a head
            and PyTorch's default for a fine-tuned model.
        progress: Whether to show a progress bar on standard error.

    Raises:
        ModelError: The model cannot be loaded.
        UserError: The text has no sentences, it cannot have the given number of paragraphs, the
            language is unknown, or the options are invalid or cannot be combined.
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
        model: Run or ready model; None for the ready model for the language of each text.
        compute: Device, threads and progress display of the encoder and the model.
        fast: Whether to use the fast ready models, if `model` is None.
    """

    workspace: Workspace
    model: Run | ReadyModel | None = None
    compute: Compute = field(default_factory=Compute)
    fast: bool = False
    _loaded: dict[str, Predictor] = field(default_factory=dict, init=False, repr=False)

    def segment(self, text: str, options: SegmentOptions) -> Segmentation:
        """Find the paragraphs of a text; see `segment`.

        Raises:
            ModelError: The model cannot be loaded.
            UserError: The text has no sentences, or cannot have the given number of paragraphs.
        """
        found = self.read(text, options).segment()
        return replace(found, warnings=_warnings(text, self.model, options.language))

    def read(self, text: str, options: SegmentOptions) -> ReadText:
        """Find the sentences of a text and load its model, but predict nothing yet.

        Raises:
            ModelError: The model cannot be loaded.
            UserError: The text has no sentences, or the sentence rule of the run is unknown.
        """
        model = self.load(text, options.language)
        return ReadText.of(text, _read(text, model, options), model, options)

    def load(self, text: str, language: str | None = None) -> TextModel:
        """Load the model for a text, unless it is already loaded.

        Args:
            text: The text, or its beginning.
            language: Code of the language of the text; None for that of the run, or to detect it.

        Raises:
            ModelError: The model cannot be loaded.
        """
        recorded = self.model.record.language if isinstance(self.model, Run) else None
        language = language or recorded or guess_language(text)
        try:
            model = self.model or _choose_model(language, fast=self.fast)
            if model.name not in self._loaded:
                self._loaded[model.name] = load_predictor(model, self.workspace, self.compute)
        except UserError as error:
            raise ModelError(str(error)) from error
        return TextModel(model, self._loaded[model.name], language)


def _choose_model(language: str, *, fast: bool) -> ReadyModel:
    """Return the ready model for a language; if there is none, a fallback, with a warning."""
    if model := model_for(language, fast=fast):
        return model
    model = model_for(_FALLBACK, fast=fast)
    if model is None:
        raise UserError("segtool has no ready models: install it again")
    warn_once(f"no ready model was trained on the language {language}: using {model.name}")
    return model


def _read(text: str, model: TextModel, options: SegmentOptions) -> UnsegmentedText:
    if options.lines_are_sentences:
        return read_lines(text)
    rule = sentence_rule(model.run.record.sentence_rule)
    return read_sentences(text, rule, model.language, cut_dialogue=model.is_typed)


def _warnings(text: str, model: Run | ReadyModel | None, language: str | None) -> tuple[str, ...]:
    if model is None:  # it was chosen by the language
        return ()
    language = language or unexpected_language(text, model.languages)
    found = [language_warning(model.name, model.languages, language)]
    if isinstance(model, Run) and model.record.is_useful is False:
        found.append(
            f"on dev, {model.name} is no better than a boundary before every sentence: train on "
            "more text, or choose a ready model with --model"
        )
    return tuple(warning for warning in found if warning)
