"""spaCy: a pipeline component that sets the spans of paragraphs."""

from spacy.language import Language
from spacy.tokens import Doc, SpanGroup

from segclf.integrations.paragraphs import ParagraphFinder
from segclf.tasks.segment_options import SegmentOptions

SPANS = "paragraphs"


class ParagraphComponent:
    """Sets `doc.spans[spans_key]`, one span for each paragraph.

    A token that is only partly in a paragraph belongs to its span.

    Args:
        finder: Object that finds the paragraphs.
        spans_key: Key of the spans.
    """

    def __init__(self, finder: ParagraphFinder, spans_key: str = SPANS) -> None:
        self._finder = finder
        self._spans_key = spans_key

    def __call__(self, doc: Doc) -> Doc:
        """Set the spans of a document, and return the document.

        Raises:
            UserError: See `ParagraphFinder.spans`.
        """
        spans = [
            doc.char_span(start, end, label="PARAGRAPH", alignment_mode="expand")
            for start, end in self._finder.spans(doc.text)
        ]
        found = [span for span in spans if span is not None]
        doc.spans[self._spans_key] = SpanGroup(doc, name=self._spans_key, spans=found)
        return doc


@Language.factory(
    "segtool_paragraphs",
    default_config={"model": None, "workspace": None, "threshold": None, "spans_key": SPANS},
)
def make_component(
    nlp: Language,
    name: str,
    model: str | None,
    workspace: str | None,
    threshold: float | None,
    spans_key: str,
) -> ParagraphComponent:
    """Make the component: `nlp.add_pipe("segtool_paragraphs", config={"model": "european"})`.

    Importing this module registers the factory.

    Args:
        nlp: Pipeline of the component; not used.
        name: Name of the component; not used.
        model: See `ParagraphFinder`.
        workspace: See `ParagraphFinder`.
        threshold: Minimum probability of a boundary; None for the threshold of the model.
        spans_key: Key of the spans.

    Raises:
        UserError: There is no such model, it is damaged, or the threshold is not a probability.
    """
    options = SegmentOptions(layout="ignore", threshold=threshold)
    return ParagraphComponent(ParagraphFinder(model, workspace, options), spans_key)
