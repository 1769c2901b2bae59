"""Groups of commands that all have the options --quiet and --verbose."""

import inspect
import time
from collections.abc import Callable
from functools import wraps
from typing import Annotated, Any

import typer

from segtool.configuration import find_configuration
from segtool.output import detail, is_verbose, set_interruption, set_verbosity

QuietOption = Annotated[
    bool,
    typer.Option("--quiet", "-q", help="Print only the result, warnings and errors."),
]
VerboseOption = Annotated[
    bool,
    typer.Option(
        "--verbose",
        "-v",
        help="Also print the path of the configuration file and the time that the command took.",
    ),
]
_VERBOSITY = {"quiet": QuietOption, "verbose": VerboseOption}


class CommandGroup(typer.Typer):
    """A Typer application whose commands and callback accept --quiet and --verbose.

    Args:
        **settings: Keyword arguments of `typer.Typer`.
    """

    def __init__(self, **settings: Any) -> None:  # noqa: ANN401
        super().__init__(**settings, rich_markup_mode=None)

    def command(  # type: ignore[override]
        self,
        name: str | None = None,
        *,
        kept: str = "Nothing was changed.",
        resumes: bool = False,
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Register a function as a command; see `typer.Typer.command`.

        Args:
            name: Name of the command; None for the name of the function.
            kept: Sentence that says what is kept after Ctrl-C, for the message.
            resumes: Whether the same command, run again after Ctrl-C, continues where it stopped.
        """
        register = super().command(name)

        def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
            register(_with_verbosity(function, kept, resumes=resumes))
            return function

        return decorate

    def callback(  # type: ignore[override]
        self,
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Register the callback of the group; see `typer.Typer.callback`."""
        register = super().callback()

        def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
            register(_with_verbosity(function, "", resumes=False))
            return function

        return decorate


def pass_options(context: typer.Context) -> None:
    """Make the options that precede a subcommand the defaults of the subcommand.

    Otherwise, `segtool runs --workspace other remove NAME` would use the default workspace.
    """
    given = {
        name: value
        for name, value in context.params.items()
        if name not in _VERBOSITY
        and (source := context.get_parameter_source(name)) is not None
        and source.name == "COMMANDLINE"
    }
    defaults, subcommand = context.default_map or {}, str(context.invoked_subcommand)
    context.default_map = {**defaults, subcommand: {**defaults.get(subcommand, {}), **given}}


def _with_verbosity(
    function: Callable[..., Any], kept: str, *, resumes: bool
) -> Callable[..., Any]:
    """Wrap a command to accept --quiet and --verbose, and to set the message for Ctrl-C."""

    @wraps(function)
    def call(**given: Any) -> None:  # noqa: ANN401
        set_verbosity(**{name: given.pop(name) for name in _VERBOSITY})
        set_interruption(kept, resumes=resumes)
        if is_verbose() and (found := find_configuration()):
            detail(f"defaults from {found.path}")
        started = time.perf_counter()
        function(**given)
        detail(f"{function.__name__}: {time.perf_counter() - started:.1f} s")

    parameters = inspect.signature(function, eval_str=True).parameters.values()
    added = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=False, annotation=option)
        for name, option in _VERBOSITY.items()
    ]
    vars(call)["__signature__"] = inspect.Signature([*parameters, *added])
    call.__annotations__ = {
        parameter.name: parameter.annotation for parameter in (*parameters, *added)
    }
    return call
