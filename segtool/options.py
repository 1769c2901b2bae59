"""Options that several commands share, and how a command shows what it gives."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from segtool import __version__

if TYPE_CHECKING:
    from segclf.corpus.decode import TextEncoding


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

_device = typer.Option(
    help="cpu, cuda, cuda:1, ... or mps; by default heads compute on the CPU, encoders on the best "
    "device."
)
_threads = typer.Option(
    help="Threads on the CPU; by default one for heads, torch's own number for encoders."
)
DeviceOption = Annotated[str | None, _device]
ThreadsOption = Annotated[int | None, _threads]
HeadDeviceOption = Annotated[str, _device]
HeadThreadsOption = Annotated[int, _threads]
PrecisionOption = Annotated[
    Literal["auto", "float32", "bfloat16", "float16"],
    typer.Option(
        help="What a transformer's layers compute in; auto takes the fastest that the device "
        "computes in hardware."
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


def encode_like(encoding: "TextEncoding", text: str) -> bytes:
    """Encode a result as its input was; in UTF-8, with a notice, where that cannot be."""
    try:
        return encoding.encode(text)
    except UnicodeEncodeError as error:
        character = text[error.start]
        sys.stderr.write(
            f"notice: {encoding.codec}, the encoding of the input, lacks {character}: "
            "the output is in UTF-8\n"
        )
        return text.encode()


def show(
    content: dict[str, Any], print_table: Callable[[dict[str, Any]], None], as_json: bool
) -> None:
    """Print the result of a command: a table, or JSON."""
    if as_json:
        # UTF-8 whatever the encoding of the console, without newline translation
        sys.stdout.buffer.write(json.dumps(content, ensure_ascii=False).encode() + b"\n")
    else:
        print_table(_printable(content))


def _printable(content: Any) -> Any:  # noqa: ANN401
    """Return the content of a table with control characters of names and ids made visible."""
    from embedcache.terminal import printable

    if isinstance(content, dict):
        return {_printable(key): _printable(value) for key, value in content.items()}
    if isinstance(content, list):
        return [_printable(item) for item in content]
    return printable(content) if isinstance(content, str) else content
