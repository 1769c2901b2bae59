"""Commands that split new text: segment, and the list of ready models."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from segtool.completion import complete_models
from segtool.options import (
    ComputeOptions,
    JsonOption,
    WorkspaceOption,
    given_options,
    with_options,
)
from segtool.output import report, show, shows_progress

if TYPE_CHECKING:
    from segclf.tasks.segment_files import FilePair
    from segclf.workspace.ready import ReadyModel
    from segclf.workspace.runs import Run
    from segclf.workspace.workspace import Workspace
    from segtool.commands.segment_output import SegmentWriter

OutputFormat = Literal["page", "text", "html", "json"]
_SUFFIXES: dict[OutputFormat | None, str] = {"html": ".html", "json": ".json"}
"""Suffixes of the files in an output folder. In other formats, a text file keeps its suffix."""


def _exclusive(names: tuple[str, str], are_set: tuple[bool, bool]) -> dict[str, str]:
    """Return, for each of two options that contradict each other, the other one if it is set."""
    return {names[1 - i]: names[i] for i in (0, 1) if are_set[i]}


@dataclass(frozen=True)
class ModelOptions:
    """Options that select the model.

    Attributes:
        model: Name of a ready model (see segtool models). [default: the run with the highest dev
            F1 on the latest corpus; if there is none, the ready model for the language of the text]
        run: Name of a run, the beginning of its name, or its number in the output of segtool runs;
            or the folder of an exported run.
        fast: Use the fast ready model for the language of the text. It is less accurate, and takes
            about a second for a novel.
    """

    model: str | None = None
    run: str | None = None
    fast: bool = False


@dataclass(frozen=True)
class TextOptions:
    """Options for reading the text.

    Attributes:
        input_format: Format of the text. aozora: remove the header, colophon and markup of Aozora
            Bunko; plain: keep all text; auto: detect complete Aozora Bunko files, HTML, EPUB, DOCX,
            PDF and subtitles, and read all other files as plain.
        language: Language code (ISO 639-1) of the text. [default: detected; for a run, the
            language of its corpus]
        text_encoding: Encoding of the text, such as cp1252 or gb18030. [default: detected]
        layout: Treatment of the paragraphs that the text already has. ignore: ignore them; keep:
            keep them and divide them further. [default: ignore, with a notice]
        lines_are_sentences: Treat each line as one sentence; lines are neither split nor joined.
    """

    input_format: Literal["auto", "plain", "aozora"] = "auto"
    language: str | None = None
    text_encoding: str | None = None
    layout: Literal["ignore", "keep"] | None = None
    lines_are_sentences: bool = False

    @staticmethod
    def overridden(values: Mapping[str, Any]) -> dict[str, str]:
        """Return which of `layout` and `lines_are_sentences` the other one contradicts."""
        names = ("layout", "lines_are_sentences")
        are_set = values.get("layout") == "keep", bool(values.get("lines_are_sentences"))
        return _exclusive(names, are_set)


@dataclass(frozen=True)
class ParagraphOptions:
    """Options for choosing the paragraph boundaries.

    Attributes:
        threshold: Minimum probability of a boundary. [default: chosen on the dev split]
        paragraphs: Exact number of paragraphs, including lines of dialogue but not headings. The
            text is split at the most probable boundaries.
        min_length: Minimum number of sentences in a paragraph. The last paragraph, and a paragraph
            before a heading, may be shorter.
        max_length: Maximum number of sentences in a paragraph. [default: no limit]
    """

    threshold: float | None = None
    paragraphs: int | None = None
    min_length: int = 1
    max_length: int | None = None

    @staticmethod
    def overridden(values: Mapping[str, Any]) -> dict[str, str]:
        """Return the options that a number of paragraphs contradicts, and the reverse."""
        others = {"threshold": None, "min_length": 1, "max_length": None}
        if values.get("paragraphs") is not None:
            return dict.fromkeys(others, "paragraphs")
        given = [name for name, default in others.items() if values.get(name, default) != default]
        return {"paragraphs": given[0]} if given else {}


@dataclass(frozen=True)
class WritingOptions:
    """Options for writing a segmented text.

    Attributes:
        format: page: the text in the layout of a book, without the original line breaks; text: the
            text with the original line breaks and a blank line between paragraphs; html: paragraphs
            in <p>, headings in <h2>; json: the sentences with their probabilities. [default: page
            for a ready model, text for a run]
        output: File to write. [default: standard output]
        output_dir: Folder to write to, for several files or a folder. Names and subfolders are
            kept.
        strict: Stop at a file that cannot be read, instead of skipping it.
        as_json: Same as --format json.
    """

    format: OutputFormat | None = None
    output: Path | None = None
    output_dir: Path | None = None
    strict: bool = False
    as_json: bool = False

    @staticmethod
    def overridden(values: Mapping[str, Any]) -> dict[str, str]:
        """Return which options contradict each other: two formats, or two outputs."""
        is_other_format = values.get("format") not in (None, "json")
        formats = bool(values.get("as_json")), is_other_format
        outputs = bool(values.get("output")), bool(values.get("output_dir"))
        return _exclusive(("as_json", "format"), formats) | _exclusive(
            ("output", "output_dir"), outputs
        )


@with_options(as_json="--json", lines_are_sentences="--sentences", output=("--output", "-o"))
def segment(
    invocation: typer.Context,
    paths: Annotated[list[str], typer.Argument(help="Files and folders, or - for stdin.")],
    *,
    model: ModelOptions,
    reading: TextOptions,
    paragraphs: ParagraphOptions,
    compute: ComputeOptions,
    workspace: WorkspaceOption = None,
    writing: WritingOptions,
) -> None:
    """Split texts into paragraphs. A ready model needs no training and no workspace.

    The output has the encoding of the input, except that JSON is in UTF-8.

    Example: segtool segment novel.txt --output paragraphs.txt
    """
    from segclf.corpus.decode import check_encoding
    from segclf.tasks.segment_options import SegmentOptions

    options = SegmentOptions(
        language=reading.language,
        layout=reading.layout,
        lines_are_sentences=reading.lines_are_sentences,
        threshold=paragraphs.threshold,
        paragraphs=paragraphs.paragraphs,
        min_length=paragraphs.min_length,
        max_length=paragraphs.max_length,
    )
    if reading.text_encoding:
        check_encoding(reading.text_encoding)
    unreadable: dict[Path, str] = {}
    pairs = _pair_files(paths, writing, None if writing.strict else unreadable)
    from segclf.tasks.models import Compute  # slow, so after the checks of the options
    from segclf.tasks.segment import Segmenter
    from segclf.workspace.runs import Run
    from segclf.workspace.workspace import Workspace
    from segtool.commands.segment_output import SegmentWriter

    opened = Workspace(workspace)
    if given := given_options(invocation, ModelOptions, ignored_in_file=("model", "run", "fast")):
        model = ModelOptions(**given)  # one of them replaces all three of a configuration file
    chosen = _choose(model, opened)
    settings = Compute(compute.device, compute.threads, progress=shows_progress(as_json=False))
    segmenter = Segmenter(opened, chosen, settings, fast=model.fast)
    default: OutputFormat = "text" if isinstance(chosen, Run) else "page"
    output_format = "json" if writing.as_json else writing.format or default
    writer = SegmentWriter(
        segmenter,
        options,
        reading.input_format,
        output_format,
        text_encoding=reading.text_encoding,
        by_default=isinstance(chosen, Run) and not model.run,
    )
    if pairs:
        _write_folder(writer, pairs, unreadable, strict=writing.strict)
    else:
        writer.write(paths[0], writing.output)


def _write_folder(
    writer: "SegmentWriter", pairs: "list[FilePair]", unreadable: dict[Path, str], *, strict: bool
) -> None:
    """Segment several files, and report those that could not be segmented.

    Args:
        writer: Writer of the files.
        pairs: Files to read and to write.
        unreadable: A message for each entry of a folder that cannot be read.
        strict: Whether to stop at the first file that cannot be segmented.

    Raises:
        UserError: A model cannot be loaded, or a file cannot be segmented and `strict` is True.
        typer.Exit: A file was skipped. The exit status is 1.
    """
    for message in unreadable.values():
        report(f"error: {message}")
    skipped = [*map(str, unreadable), *writer.write_all(pairs, strict=strict)]
    if skipped:
        total = len(pairs) + len(unreadable)
        report(f"skipped {len(skipped)} of {total} files: {', '.join(skipped)}")
        raise typer.Exit(1)


def _pair_files(
    paths: list[str], writing: WritingOptions, unreadable: dict[Path, str] | None
) -> "list[FilePair]":
    """Return the files to read and to write if there is an output folder; otherwise [].

    Args:
        paths: Files and folders to read.
        writing: Options for the output.
        unreadable: See `segclf.tasks.segment_files.pair_files`.

    Raises:
        UserError: Options cannot be combined, several texts have one output, an input file would be
            overwritten, or `pair_files` raises the error.
    """
    from embedcache import UserError
    from segclf.tasks.segment_files import check_targets, pair_files

    if writing.as_json and writing.format not in (None, "json"):
        raise UserError(
            f"--json cannot be combined with --format {writing.format}: use only one of them"
        )
    if writing.output_dir and writing.output:
        raise UserError("--output cannot be combined with --output-dir: use only one of them")
    if writing.output_dir:
        suffix = ".json" if writing.as_json else _SUFFIXES.get(writing.format)
        return pair_files(paths, writing.output_dir, suffix, unreadable)
    if len(paths) > 1 or Path(paths[0]).is_dir():
        raise UserError(
            "several texts cannot be written to one output: use --output-dir FOLDER to write one "
            "file for each text"
        )
    if writing.output:
        check_targets([Path(paths[0])], [writing.output])
    return []


def _choose(options: ModelOptions, workspace: "Workspace") -> "Run | ReadyModel | None":
    """Return the run or the ready model to use; None if the language of each text selects it.

    Raises:
        UserError: There is no such run or model, it is damaged, or several options are given.
    """
    from embedcache import UserError
    from segclf.workspace.ready import load_ready_model
    from segclf.workspace.runs import best_run, load_run

    given = [f"--{name}" for name, value in vars(options).items() if value]
    if len(given) > 1:
        raise UserError(f"{given[0]} cannot be combined with {given[1]}: use only one of them")
    if options.fast:
        return None
    if options.model:
        return load_ready_model(options.model)
    return load_run(workspace, options.run) if options.run else best_run(workspace)


def models(
    name: Annotated[
        str | None,
        typer.Argument(help="Name of a model. [default: all]", autocompletion=complete_models),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List the ready models, or show one.

    Example: segtool models japanese
    """
    from segclf.workspace.ready import list_models, load_ready_model
    from segtool.tables.models import print_models

    found = [load_ready_model(name)] if name else list_models()
    show({"models": [model.to_dict() for model in found]}, print_models, as_json)
