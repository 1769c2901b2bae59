"""Commands that split new text: segment, and the list of ready models."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from segtool.options import ComputeOptions, JsonOption, WorkspaceOption, with_options
from segtool.output import encode_like, report, show

if TYPE_CHECKING:
    from segclf.workspace.ready import ReadyModel
    from segclf.workspace.runs import Run
    from segclf.workspace.workspace import Workspace


@dataclass(frozen=True)
class ModelOptions:
    """Which model finds the paragraphs.

    Attributes:
        model: Name of a ready model (see segtool models). [default: the latest run in the
            workspace; if there is none, the ready model for the language of the text]
        run: Name of a run, or folder of an exported run.
    """

    model: str | None = None
    run: str | None = None


@dataclass(frozen=True)
class TextOptions:
    """How to read the text.

    Attributes:
        input_format: Format of the text. aozora: remove the header, colophon and markup of Aozora
            Bunko; plain: keep all text; auto: aozora for complete Aozora Bunko files, otherwise
            plain.
        language: Language code (ISO 639-1) of the text. [default: detected; for a run, the
            language of its corpus]
    """

    input_format: Literal["auto", "plain", "aozora"] = "auto"
    language: str | None = None


@dataclass(frozen=True)
class ParagraphOptions:
    """How to choose the paragraph boundaries.

    Attributes:
        threshold: Minimum probability of a boundary. [default: chosen on the dev split]
        paragraphs: Exact number of paragraphs, including lines of dialogue. The text is split at
            the most probable boundaries.
        min_length: Minimum number of sentences in a paragraph. The last paragraph may be shorter.
        max_length: Maximum number of sentences in a paragraph. [default: no limit]
    """

    threshold: float | None = None
    paragraphs: int | None = None
    min_length: int = 1
    max_length: int | None = None


@dataclass(frozen=True)
class WritingOptions:
    """How and where to write a segmented text.

    Attributes:
        format: page: the text as it is printed in a book, without its own line breaks; text: the
            text with its own line breaks and a blank line between paragraphs; html: paragraphs
            in <p>; json: the sentences with their probabilities. [default: page for a ready model,
            text for a run]
        output: File to write. [default: standard output]
        as_json: Same as --format json.
    """

    format: Literal["page", "text", "html", "json"] | None = None
    output: Path | None = None
    as_json: bool = False


@with_options(as_json="--json")
def segment(
    path: Annotated[str, typer.Argument(help="Text file, or - for stdin.")],
    *,
    model: ModelOptions,
    reading: TextOptions,
    paragraphs: ParagraphOptions,
    compute: ComputeOptions,
    workspace: WorkspaceOption = None,
    writing: WritingOptions,
) -> None:
    """Split a text into paragraphs. The output uses the same encoding as the input.

    A ready model needs no training and no workspace.

    Example: segtool segment novel.txt --output paragraphs.txt
    """
    from embedcache.files import write_bytes
    from segclf.corpus import read_unsegmented
    from segclf.tasks.segment import segment as segment_text
    from segclf.workspace.ready import ReadyModel
    from segclf.workspace.workspace import Workspace

    opened = Workspace(workspace)
    source = read_unsegmented(path, format_name=reading.input_format)
    chosen = _choose(model, opened)
    found = segment_text(
        source.text,
        opened,
        chosen,
        language=reading.language,
        threshold=paragraphs.threshold,
        paragraphs=paragraphs.paragraphs,
        min_length=paragraphs.min_length,
        max_length=paragraphs.max_length,
        device=compute.device,
        threads=compute.threads,
        progress=True,
    )
    ready = chosen is None or isinstance(chosen, ReadyModel)
    output_format = "json" if writing.as_json else writing.format or ("page" if ready else "text")
    if output_format == "json":
        result = (json.dumps(found.to_dict(), ensure_ascii=False) + "\n").encode()
    else:
        write = {"page": found.to_page, "text": found.to_text, "html": found.to_html}
        result = encode_like(source.encoding, write[output_format]())
    if writing.output:
        write_bytes(writing.output, result)
    else:
        sys.stdout.buffer.write(result)
    kind = "model" if ready else "run"
    report(f"{kind} {found.model}{_describe_threshold(found.threshold)}")


def _choose(options: ModelOptions, workspace: "Workspace") -> "Run | ReadyModel | None":
    """Return the run or the model to use; None for the ready model of the text's language."""
    from embedcache import UserError
    from segclf.workspace.ready import load_ready_model
    from segclf.workspace.runs import list_runs, load_run

    if options.model and options.run:
        raise UserError("--model cannot be combined with --run: use only one of them")
    if options.model:
        return load_ready_model(options.model)
    return load_run(workspace, options.run) if options.run or list_runs(workspace) else None


def _describe_threshold(threshold: float | None) -> str:
    return "" if threshold is None else f", threshold {threshold:.2f}"


def models(
    name: Annotated[str | None, typer.Argument(help="Name of a model. [default: all]")] = None,
    as_json: JsonOption = False,
) -> None:
    """List the ready models, or show one.

    Example: segtool models japanese
    """
    from segclf.workspace.ready import list_models, load_ready_model
    from segtool.tables.models import print_models

    found = [load_ready_model(name)] if name else list_models()
    show({"models": [model.to_dict() for model in found]}, print_models, as_json)
