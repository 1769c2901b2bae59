"""The command line: all commands, and the reporting of errors."""

import os
import sys
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated

import typer

from segtool import __version__
from segtool.command_group import CommandGroup
from segtool.commands import corpus, experiments, heads, segment
from segtool.commands.clean import clean as clean_command
from segtool.commands.config import config
from segtool.commands.corpora import corpora_app
from segtool.commands.encoders import encoders_app
from segtool.commands.finetune import finetune_app
from segtool.commands.report import report as report_command
from segtool.commands.runs import runs_app
from segtool.commands.serve import serve
from segtool.commands.store import store_app
from segtool.commands.store_exchange import export as export_vectors
from segtool.commands.store_exchange import merge
from segtool.configuration import find_configuration, make_defaults, workspaces_in
from segtool.output import report, report_interruption

INTERRUPTED = 130  # exit status of a program that was interrupted by Ctrl-C

app = CommandGroup(
    help="Split text into paragraphs: encode every sentence once and train small heads in "
    "seconds.\n\n"
    "Example: segtool embed novel.txt && segtool train && segtool eval && segtool segment new.txt",
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Accept the options that precede a command, and set defaults from the configuration file."""
    if found := find_configuration():
        context.default_map = make_defaults(found, context.command)


app.command(kept="The vectors computed so far are kept.", resumes=True)(corpus.embed)
app.command(kept="The run was not saved.")(heads.train)
app.command("eval")(heads.evaluate)
app.command("report", kept="The scores computed so far are kept.")(report_command)
app.command(kept="Finished files are complete.")(segment.segment)
app.command()(serve)
app.command()(segment.models)
app.command()(heads.export)
app.command(kept="Finished runs are kept.", resumes=True)(experiments.sweep)
app.command()(experiments.compare)
app.command()(corpus.stats)
app.add_typer(runs_app, name="runs", invoke_without_command=True)
app.add_typer(corpora_app, name="corpora", invoke_without_command=True)
app.add_typer(encoders_app, name="encoders", invoke_without_command=True)
app.add_typer(finetune_app, name="finetune")
store_app.command("export")(export_vectors)
store_app.command(kept="The vectors merged so far are kept.", resumes=True)(merge)
app.add_typer(store_app, name="store")
app.command("clean", kept="Some files may already have been removed.")(clean_command)
app.command()(config)


def main() -> None:
    """Run the command line and exit.

    For a user's mistake, one line is printed, and the exit status is 2. It is 130 after Ctrl-C, and
    1 if part of the work failed, the store is damaged or standard output was closed. For a bug, a
    traceback is printed.
    """
    # a table may contain characters that the encoding of the console lacks
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    arguments = sys.argv[1:] or ["--help"]
    try:
        code = app(args=arguments, prog_name="segtool", standalone_mode=False) or 0
        if code == INTERRUPTED:
            report_interruption(arguments)
    except typer.TyperException as error:
        context = getattr(error, "ctx", None)
        command = context.command_path if context else "segtool"
        report(f"error: {_one_line(error)} ({_source(error)}see {command} --help)")
        code = 2
    except BrokenPipeError:  # as in `segtool segment novel.txt | head`
        sys.stderr.close()
        code = 1
    except OSError as error:
        if error.filename is None or not _is_from_user(Path(error.filename)):
            raise
        from embedcache.errors import reason_of

        report(f"error: {error.filename}: {reason_of(error)}")
        code = 2
    except ValueError as error:
        from embedcache import UserError

        if not isinstance(error, UserError):
            raise
        report(f"error: {error}")
        code = 2
    sys.exit(code)


def _source(error: typer.TyperException) -> str:
    """Return the part of a message that names the configuration file, if it sets the wrong option.

    Otherwise, return an empty string.
    """
    context, parameter = getattr(error, "ctx", None), getattr(error, "param", None)
    source = context.get_parameter_source(parameter.name) if context and parameter else None
    found = find_configuration() if source and source.name == "DEFAULT_MAP" else None
    return f"set in {found.path}; " if found else ""


def _is_from_user(path: Path) -> bool:
    """Return whether a path is, contains or lies below an argument or a workspace.

    The workspaces are the default one and those in the configuration file.
    """
    from segclf.workspace.workspace import Workspace

    configuration = find_configuration()
    named = [Path(word.split("=", 1)[-1]) for word in sys.argv[1:]]
    named += [Workspace().path, *(workspaces_in(configuration) if configuration else ())]
    return any(
        form.is_relative_to(other) or other.is_relative_to(form)
        for form in _absolute_forms(path)
        for name in named
        for other in _absolute_forms(name)
    )


def _absolute_forms(path: Path) -> list[Path]:
    """Return the absolute path with and without symbolic links, since a link may be broken."""
    return [Path(os.path.abspath(path)), Path(os.path.realpath(path))]


def _one_line(error: typer.TyperException) -> str:
    message = error.format_message() if hasattr(error, "format_message") else str(error)
    return " ".join(message.replace("Value error, ", "").split()).removesuffix(".")
