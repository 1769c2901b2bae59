"""Options that several commands share, and how a command shows what it gives."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from segtool import __version__


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


VersionOption = Annotated[
    bool,
    typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version."),
]
WorkspaceOption = Annotated[
    Path | None,
    typer.Option(help="Folder of store, corpora and runs; default $SEGTOOL_HOME, else ./.segtool."),
]
CorpusOption = Annotated[str | None, typer.Option(help="A corpus by name; default the latest.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
PoolingName = Literal["cls", "mean", "max", "sif", "tokens"]
PoolingOption = Annotated[
    PoolingName | None,
    typer.Option(
        help="cls, mean, max: pool a plain Hugging Face encoder so. mean, sif, tokens: of word "
        "vectors; tokens are for the head wordlstm."
    ),
]

FormatOption = Annotated[
    str,
    typer.Option("--format", help="plain, aozora, choi or jsonl; auto tells by the text."),
]
BoundaryOption = Annotated[
    Literal["auto", "indent", "line", "blank"],
    typer.Option(
        help="What begins a paragraph in the layout: an indented line, every line, or the line "
        "behind a blank one; auto tells by the text."
    ),
]
SentencesOption = Annotated[
    str,
    typer.Option(
        help="Sentence rule. sentencex: any language; line: a sentence a line; kuten: Japanese, "
        "cut at 。 alone, without it and without spaces, as the figures on Soseki are."
    ),
]
LanguageOption = Annotated[
    str | None, typer.Option(help="Language code for sentencex; default guessed.")
]
SplitOption = Annotated[
    str | None,
    typer.Option(help="Shares as 80/10/10, or train, dev, test; default sub-folders so named."),
]


def show(
    content: dict[str, Any], print_table: Callable[[dict[str, Any]], None], as_json: bool
) -> None:
    """Print the result of a command: a table, or JSON."""
    if as_json:
        write_utf8(json.dumps(content, ensure_ascii=False) + "\n")
    else:
        print_table(content)


def write_utf8(text: str) -> None:
    """Write to standard output in UTF-8 whatever its encoding, and keep line breaks as they are."""
    sys.stdout.buffer.write(text.encode())
