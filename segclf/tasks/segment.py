"""Segment a text into paragraphs with a ready model or a run."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from embedcache import UserError
from segclf.corpus import BoundaryType, Corpus, Document
from segclf.corpus.languages import check_language, guess_language
from segclf.corpus.sentences import (
    Sentence,
    SentenceRule,
    cut_after_dialogue,
    locate_sentences,
    sentence_rule,
)
from segclf.corpus.units import is_wrapped, split_units
from segclf.scoring.decoding import decode_within, most_probable
from segclf.tasks.models import Compute
from segclf.tasks.predict import encode_text, predict_text, predict_types
from segclf.tasks.segmentation import Segmentation
from segclf.workspace.files import warn_once
from segclf.workspace.ready import ReadyModel, load_ready_model, model_for
from segclf.workspace.runs import Run
from segclf.workspace.workspace import Workspace

_FALLBACK = "european"  # its encoder and features suit most languages
_OPENING_QUOTES = ("「", "『", "（")


def segment(
    text: str,
    workspace: Workspace | None = None,
    model: Run | ReadyModel | None = None,
    *,
    language: str | None = None,
    threshold: float | None = None,
    paragraphs: int | None = None,
    min_length: int = 1,
    max_length: int | None = None,
    device: str | None = None,
    threads: int | None = None,
    progress: bool = False,
) -> Segmentation:
    """Find the paragraphs of a text, ignoring its existing paragraphs.

    Nothing is written. Vectors are read from the store if it has them, and computed otherwise.

    Args:
        text: Text to segment. A line break ends a sentence, unless the lines are wrapped.
        workspace: Workspace whose store is searched for vectors; None for the default one. It may
            have no store.
        model: Run of a head or of a fine-tuned model, or ready model; None for the ready model of
            the language of the text.
        language: Language code (ISO 639-1) of the text; None for the language of the corpus of the
            run, or to detect it.
        threshold: Minimum probability of a boundary; None for the threshold of the model, which was
            chosen on dev.
        paragraphs: Exact number of paragraphs. The text is split at the most probable boundaries.
        min_length: Minimum number of sentences in a paragraph. The last paragraph may be
            shorter.
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
    _check_options(threshold, paragraphs, min_length, max_length)
    check_language(language)
    model = model or _choose_model(guess_language(text) if language is None else language)
    run = model.runs["any"] if isinstance(model, ReadyModel) else model
    language = language or run.record.language or guess_language(text)
    rule = sentence_rule(run.record.sentence_rule)
    sentences = _sentences_of(text, rule, language)
    if isinstance(model, ReadyModel) and model.is_typed:
        sentences = [part for s in sentences for part in cut_after_dialogue(text, s, rule)]
    if paragraphs is not None and not 1 <= paragraphs <= len(sentences):
        raise UserError(
            f"paragraphs is {paragraphs}: use 1 to {len(sentences)}, the number of sentences"
        )
    texts = [sentence.text for sentence in sentences]
    corpus = Corpus.of([Document("", texts, np.zeros(len(texts), dtype=np.bool_))], ["test"])
    probabilities = _predict(
        model, corpus, workspace or Workspace(), Compute(device, threads, progress)
    )
    if paragraphs is not None:
        boundaries = most_probable(corpus.layout, probabilities["any"], paragraphs)
    else:
        threshold = run.threshold if threshold is None else threshold
        boundaries = decode_within(
            corpus.layout,
            probabilities["any"],
            threshold,
            min_length=min_length,
            max_length=max_length,
        )
    return Segmentation(
        text,
        sentences,
        probabilities["any"],
        boundaries,
        _find_paragraphs(model, sentences, probabilities),
        language,
        model.name,
        None if paragraphs is not None else threshold,
    )


def _choose_model(language: str) -> ReadyModel:
    """Return the ready model for a language; if there is none, a fallback, with a warning."""
    model = model_for(language)
    if model is None:
        model = load_ready_model(_FALLBACK)
        warn_once(f"no ready model was trained on the language {language}: using {model.name}")
    return model


def _sentences_of(text: str, rule: SentenceRule, language: str) -> list[Sentence]:
    units, _ = split_units(text, "blank" if is_wrapped(text) else "line", keep_headings=True)
    sentences = [s for unit in units for s in locate_sentences(text, unit, rule, language)]
    if not sentences:
        raise UserError("the text contains no sentences: nothing to segment")
    return sentences


def _predict(
    model: Run | ReadyModel, corpus: Corpus, workspace: Workspace, compute: Compute
) -> Mapping[BoundaryType, NDArray[np.float32]]:
    """Return the probabilities (n,) by boundary type; those of a run have the type "any"."""
    if isinstance(model, ReadyModel):
        examples = encode_text(model.runs["any"], corpus, workspace, compute)
        predictions = predict_types(model, corpus, examples, compute)
        return {name: prediction.probabilities for name, prediction in predictions.items()}
    return {"any": predict_text(model, corpus, workspace, compute).probabilities}


def _find_paragraphs(
    model: Run | ReadyModel,
    sentences: Sequence[Sentence],
    probabilities: Mapping[BoundaryType, NDArray[np.float32]],
) -> NDArray[np.bool_] | None:
    """Return (n,) bool: where a boundary begins a paragraph, and not a line of dialogue.

    A boundary that only an option of the caller demands begins a paragraph. The first sentence
    begins a line if it is a quotation, since no model decides about it. None if the model does not
    tell lines from paragraphs.
    """
    if not (isinstance(model, ReadyModel) and model.is_typed):
        return None
    is_paragraph = probabilities["paragraph"] >= model.runs["paragraph"].threshold
    is_paragraph |= probabilities["any"] < model.runs["any"].threshold
    is_paragraph[0] = not sentences[0].text.startswith(_OPENING_QUOTES)
    return is_paragraph


def _check_options(
    threshold: float | None, paragraphs: int | None, min_length: int, max_length: int | None
) -> None:
    limited = min_length > 1 or max_length is not None
    if paragraphs is not None and (threshold is not None or limited):
        other = "a threshold" if threshold is not None else "a length limit"
        raise UserError(
            f"a number of paragraphs cannot be combined with {other}: use only one of them"
        )
    if threshold is not None and not 0 <= threshold <= 1:
        raise UserError(f"threshold is {threshold:g}: use a probability from 0 to 1")
    if min_length < 1:
        raise UserError(f"min length is {min_length}: use 1 or more")
    if max_length is not None and max_length < min_length:
        raise UserError(f"max length is {max_length}: use {min_length} or more")
