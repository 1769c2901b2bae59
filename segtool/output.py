"""Output of commands: a table, JSON, or text in the encoding of the input."""

import json
import shlex
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from segclf.corpus.decode import TextEncoding
    from segclf.integrations.trackers import TrackerName
    from segclf.workspace.runs import Run
    from segclf.workspace.workspace import Workspace

RunLogger = Callable[[Sequence["Run"], "Workspace"], None]
"""A function that logs finished runs."""

_QUIET, _NORMAL, _VERBOSE = range(3)
_verbosity = _NORMAL
_kept, _next = "", "start again"  # what the running command keeps after Ctrl-C, and how it resumes


def set_verbosity(*, quiet: bool, verbose: bool) -> None:
    """Set how much this process writes to standard error; without a flag, change nothing.

    Raises:
        UserError: Both flags are given.
    """
    global _verbosity
    if quiet and verbose:
        from embedcache import UserError

        raise UserError("--quiet cannot be combined with --verbose: use only one of them")
    if quiet or verbose:
        _verbosity = _QUIET if quiet else _VERBOSE
    if quiet:
        from embedcache.terminal import silence_progress

        silence_progress()


def shows_progress(as_json: bool) -> bool:
    """Return whether a command shows its progress: not with --json or --quiet."""
    return not as_json and _verbosity > _QUIET


def is_verbose() -> bool:
    """Return whether --verbose is given."""
    return _verbosity == _VERBOSE


def show(
    content: dict[str, Any], print_table: Callable[[dict[str, Any]], None], as_json: bool
) -> None:
    """Print the result of a command as a table or as JSON."""
    if as_json:
        # in UTF-8 regardless of the encoding of the console, and without newline translation
        sys.stdout.buffer.write(json.dumps(content, ensure_ascii=False).encode() + b"\n")
    else:
        print_table(_printable(content))


def encode_like(encoding: "TextEncoding", text: str) -> bytes:
    """Encode a result like its input; if this is impossible, encode it in UTF-8, with a notice."""
    try:
        return encoding.encode(text)
    except UnicodeEncodeError as error:
        character = text[error.start]
        note(
            f"notice: the output is in UTF-8, because {encoding.codec}, the encoding of the "
            f"input, cannot represent {character}"
        )
        return text.encode()


def report(message: str) -> None:
    """Write one line to standard error, with control characters escaped."""
    from embedcache.terminal import printable

    sys.stderr.write(printable(message) + "\n")


def set_interruption(kept: str, *, resumes: bool) -> None:
    """Set the message of `report_interruption` for the command that runs.

    Args:
        kept: Sentence that says what is kept after Ctrl-C.
        resumes: Whether the same command, run again after Ctrl-C, continues where it stopped.
    """
    global _kept, _next
    _kept, _next = kept, "continue" if resumes else "start again"


def report_interruption(arguments: Sequence[str]) -> None:
    """Report what is kept after Ctrl-C, and the command that continues or starts again."""
    sys.stderr.write("\n")
    report(" ".join(filter(None, ["Interrupted.", _kept])))
    report(f"To {_next}, run: {shlex.join(['segtool', *arguments])}")


def note(message: str) -> None:
    """Write one line to standard error, unless --quiet is given."""
    if _verbosity > _QUIET:
        report(message)


def detail(message: str) -> None:
    """Write one line to standard error if --verbose is given."""
    if _verbosity == _VERBOSE:
        report(message)


def describe_used_model(
    kind: str, name: str, threshold: float | None, *, chosen: str | None = None
) -> str:
    """Return a line that names the run or model that was used, and its threshold.

    Args:
        kind: "run" or "model".
        name: Name of the run or the model.
        threshold: Threshold; None if there is none, or if there are several.
        chosen: Reason why it was chosen, if the user did not name it.
    """
    reason = f" ({chosen})" if chosen else ""
    end = "" if threshold is None else f", threshold {threshold:.2f}"
    return f"{kind} {name}{reason}{end}"


def report_skipped(messages: Sequence[str]) -> None:
    """Report the files of a folder that were not read.

    Args:
        messages: A message for each of these files.

    Raises:
        typer.Exit: There is such a file. The exit status is 1.
    """
    for message in messages:
        report(f"error: {message}")
    if messages:
        files = "1 file" if len(messages) == 1 else f"{len(messages):,} files"
        report(f"skipped {files} (--strict stops at such a file)")
        raise typer.Exit(1)


def run_logger(tracker: "TrackerName | None") -> RunLogger:
    """Return a function that logs finished runs to a tracker; without a tracker, it logs nothing.

    The function logs as many of the runs as it can, because they cannot be logged later. It reports
    each run that could not be logged. If there is one, the command ends with exit status 1.

    Raises:
        UserError: The package of the tracker is missing.
    """
    if tracker is None:
        return lambda runs, workspace: None
    from segclf.integrations.trackers import check_tracker

    check_tracker(tracker)
    return partial(_log_runs, tracker)


def _log_runs(tracker: "TrackerName", runs: Sequence["Run"], workspace: "Workspace") -> None:
    from embedcache import UserError
    from segclf.integrations.trackers import log_run

    failed = False
    for run in runs:
        try:
            log_run(tracker, run, workspace)
        except UserError as error:
            report(f"error: {error}")
            failed = True
    if failed:
        raise typer.Exit(1)
    if tracker == "tensorboard" and runs:  # the other clients print where they keep the runs
        note(f"to see the runs: tensorboard --logdir {workspace.tensorboard}")


def ignore(_: object) -> None:
    """Do nothing. It replaces a function that prints progress, with --json and --quiet."""


def _printable(content: Any) -> Any:  # noqa: ANN401
    """Escape control characters in all strings of a result, including dictionary keys."""
    from embedcache.terminal import printable

    if isinstance(content, dict):
        return {_printable(key): _printable(value) for key, value in content.items()}
    if isinstance(content, list):
        return [_printable(item) for item in content]
    return printable(content) if isinstance(content, str) else content
