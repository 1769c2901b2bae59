"""Command-line options: those that several commands share, and those made from dataclasses."""

import inspect
import os
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, fields, is_dataclass
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import typer

from embedcache import UserError
from embedcache.encoders import Precision
from segclf.corpus import FormatName, Split
from segclf.integrations.trackers import TrackerName
from segtool.completion import (
    complete_corpora,
    complete_encoders,
    complete_models,
    complete_runs,
)

Command = Callable[..., None]

_MAX_CHOICES_LENGTH = 40  # of the list of an option's choices in the help, in characters
_COMPLETIONS: dict[str, Callable[..., list[str]]] = {
    "encoder": complete_encoders,
    "model": complete_models,
    "run": complete_runs,
}
"""Functions that complete values in a shell, by the name of the field."""


def _check_exists(context: typer.Context, workspace: Path | None) -> Path | None:
    """Check that the folder exists if --workspace was given on the command line.

    The default folder and one that a configuration file sets need not exist yet.

    Raises:
        UserError: The folder does not exist.
    """
    if workspace is None or context.resilient_parsing:
        return workspace
    source = context.get_parameter_source("workspace")
    is_given = source is not None and source.name == "COMMANDLINE"
    # unlike Path.is_dir, os.path.isdir accepts a name of any length
    if is_given and not os.path.isdir(workspace):
        raise UserError(
            f"there is no workspace {workspace}: correct --workspace, or create one with segtool "
            "embed FILE --workspace FOLDER"
        )
    return workspace


_WORKSPACE_HELP = (
    "Folder of the store, the corpora and the runs. [default: $SEGTOOL_HOME or ./.segtool]"
)
WorkspaceOption = Annotated[Path | None, typer.Option(help=_WORKSPACE_HELP, callback=_check_exists)]
NewWorkspaceOption = Annotated[Path | None, typer.Option(help=_WORKSPACE_HELP)]
"""Option of the commands that create a workspace."""
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Show what would be removed, and remove nothing.")
]
RUN_HELP = "Name of a run, the beginning of its name, or its number in the output of segtool runs."
CorpusOption = Annotated[
    str | None,
    typer.Option(
        help="Name of an embedded corpus. [default: the latest]", autocompletion=complete_corpora
    ),
]
SplitToScoreOption = Annotated[Split, typer.Option(help="Split to score.")]
FormatOption = Annotated[
    Literal["auto", FormatName],
    typer.Option("--format", help="Format of the text; auto detects it."),
]
StrictOption = Annotated[
    bool,
    typer.Option("--strict", help="Stop at a file that cannot be read, instead of skipping it."),
]
LogToOption = Annotated[
    TrackerName | None,
    typer.Option("--log-to", help="Also log each finished run to this experiment tracker."),
]
SplitOption = Annotated[
    str | None,
    typer.Option(
        help="Shares of train, dev and test, such as 80/10/10, or the name of one split. "
        "[default: the splits that subfolders train, dev and test or JSON Lines files define, "
        "otherwise 80/10/10]"
    ),
]


@dataclass(frozen=True)
class ComputeOptions:
    """Device and number of threads. Subclasses may change the defaults and their help texts.

    Attributes:
        device: Device: cpu, cuda, cuda:1, ... or mps. [default: the fastest for encoders, cpu for
            heads]
        threads: Number of CPU threads. [default: the number of cores for encoders, 1 for heads]
    """

    device: str | None = None
    threads: int | None = None


@dataclass(frozen=True)
class EncoderComputeOptions(ComputeOptions):
    """Device, threads and precision for running or fine-tuning an encoder.

    Attributes:
        device: Device: cpu, cuda, cuda:1, ... or mps. [default: the fastest]
        threads: Number of CPU threads. [default: PyTorch's default]
        precision: Precision of Transformer layers. auto: the fastest that the device supports in
            hardware.
    """

    precision: Precision = "auto"


@dataclass(frozen=True)
class HeadComputeOptions(ComputeOptions):
    """Device, number of threads and memory for training a head.

    Attributes:
        device: Device: cpu, cuda, cuda:1, ... or mps.
        threads: Number of CPU threads.
        memory: Gigabytes of sentence vectors that a run may hold in memory. If a corpus has more,
            training reads them from a temporary file in the workspace. [default: a quarter of the
            available memory, divided among parallel runs]
    """

    device: str = "cpu"
    threads: int = 1
    memory: float | None = None


@dataclass(frozen=True)
class EngineOptions:
    """Machines to compute on.

    Attributes:
        engine: Where to train. local: on this machine; ray: on a Ray cluster whose machines all
            have access to the workspace folder.
        address: Cluster of --engine ray: auto for the cluster that is running on this machine,
            HOST:PORT or ray://HOST:PORT. [default: a new one on this machine]
    """

    engine: Literal["local", "ray"] = "local"
    address: str | None = None

    @classmethod
    def overridden(cls, values: Mapping[str, Any]) -> dict[str, str]:
        """Return {option: "engine"} for each option that has an effect only on a cluster."""
        others = [field.name for field in fields(cls)[1:]]
        return {} if values.get("engine") == "ray" else dict.fromkeys(others, "engine")

    def __post_init__(self) -> None:
        given = [
            "--" + field.name.replace("_", "-")
            for field in fields(self)[1:]
            if getattr(self, field.name) != field.default
        ]
        if self.engine != "ray" and given:
            raise UserError(f"{given[0]} has an effect only on a cluster: add --engine ray")


def with_options(**flags: str | tuple[str, ...]) -> Callable[[Command], Command]:
    """Replace each dataclass among a command's parameters with one option for each of its fields.

    Each option is defined only in the dataclass, by the name, type and default of a field. The help
    text is in the section "Attributes" of the docstring. If the dataclass has a class method
    `from_settings`, this method makes the object from a dict with the values of its fields and of
    its deprecated options. The class attribute `deprecated_options` (name -> type) defines these
    options, which the help does not show. They are kept for scripts written for earlier versions.
    If the dataclass has a method `overridden`, an option that only a configuration file sets takes
    its default if an option on the command line contradicts it or leaves it without effect.

    Args:
        **flags: One or several flags for each field whose flag differs from its name.

    Example:
        >>> @with_options(seed=("--seed", "--seeds"))
        ... def train(options: TrainingOptions, as_json: JsonOption = False) -> None: ...
    """

    def decorate(command: Command) -> Command:
        hints = get_type_hints(command, include_extras=True)
        groups: dict[str, Any] = {name: hint for name, hint in hints.items() if is_dataclass(hint)}

        @wraps(command)
        def call(**given: Any) -> None:  # noqa: ANN401
            for name, group in groups.items():
                names = [field.name for field in fields(group)] + list(_deprecated_options(group))
                values = {name: given.pop(name) for name in names}
                make = getattr(group, "from_settings", None)
                given[name] = make(values) if make else group(**values)
            command(**given)

        parameters: list[inspect.Parameter] = []
        for name, parameter in inspect.signature(command).parameters.items():
            if name in groups:
                parameters += _parameters_of(groups[name], flags)
            else:
                parameters.append(_keyword(name, parameter.default, hints[name]))
        vars(call)["__signature__"] = inspect.Signature(parameters)
        call.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        return call

    return decorate


def given_options(
    context: typer.Context, group: type[Any], *, ignored_in_file: Collection[str] = ()
) -> dict[str, Any]:
    """Return the options of a dataclass that the user has set, as a dict from name to value.

    Options are set on the command line or in a configuration file.

    Args:
        context: Context of the command.
        group: Dataclass of the options.
        ignored_in_file: Names of options to leave out if they are set only in a configuration file.
    """
    sources = {field.name: context.get_parameter_source(field.name) for field in fields(group)}
    return {
        name: context.params[name]
        for name, source in sources.items()
        if source is not None
        and (
            source.name == "COMMANDLINE"
            or (source.name == "DEFAULT_MAP" and name not in ignored_in_file)
        )
    }


def _default_if_overridden(group: type[Any], name: str, default: object) -> Callable[..., object]:
    """Return a callback that replaces the value of an option with the default if it is overridden.

    This is the case if only a configuration file sets the option, and an option on the command line
    contradicts it or leaves it without effect.
    """

    def check(context: typer.Context, value: Any) -> object:  # noqa: ANN401
        # options on the command line are processed before those in a file
        other = group.overridden(context.params).get(name)
        sources = [context.get_parameter_source(each) for each in (other, name) if each]
        names = [source.name for source in sources if source]
        return default if names == ["COMMANDLINE", "DEFAULT_MAP"] else value

    return check


def _parameters_of(
    group: type[Any], flags: dict[str, str | tuple[str, ...]]
) -> list[inspect.Parameter]:
    hints = get_type_hints(group)
    texts = attribute_texts(group)
    defined_here = inspect.get_annotations(group)  # these fields come before inherited ones
    can_override = hasattr(group, "overridden")
    parameters = []
    for field in sorted(fields(group), key=lambda field: field.name not in defined_here):
        flag = flags.get(field.name, "--" + field.name.replace("_", "-"))
        names = [flag] if isinstance(flag, str) else flag
        metavar = _short_metavar(hints[field.name])
        callback = _default_if_overridden(group, field.name, field.default)
        option = typer.Option(
            field.default,
            *names,
            help=texts[field.name],
            metavar=metavar,
            autocompletion=_COMPLETIONS.get(field.name),
            callback=callback if can_override else None,
        )
        parameters.append(_keyword(field.name, option, hints[field.name]))
    for name, hint in _deprecated_options(group).items():
        parameters.append(_keyword(name, typer.Option(None, hidden=True), hint))
    return parameters


def _short_metavar(hint: object) -> str | None:
    """Return a short placeholder for a long list of choices; None if the list is short.

    A long list would not fit a narrow terminal. The help text lists the choices.
    """
    literals = [part for part in (hint, *get_args(hint)) if get_origin(part) is Literal]
    choices = "|".join(str(choice) for literal in literals for choice in get_args(literal))
    return "<name>" if len(choices) > _MAX_CHOICES_LENGTH else None


def _deprecated_options(group: type[Any]) -> dict[str, Any]:
    return getattr(group, "deprecated_options", {})


def _keyword(name: str, default: object, annotation: object) -> inspect.Parameter:
    kind = inspect.Parameter.KEYWORD_ONLY
    return inspect.Parameter(name, kind, default=default, annotation=annotation)


def attribute_texts(group: type) -> dict[str, str]:
    """Return the texts of the attributes in the docstrings of a class and its bases, by name."""
    texts: dict[str, str] = {}
    for cls in reversed(group.__mro__[:-1]):
        section = inspect.cleandoc(cls.__doc__ or "").partition("Attributes:\n")[2]
        entries = re.findall(
            r"^    (\w+): (.*(?:\n {5,}.*)*)", section.partition("\n\n")[0], re.MULTILINE
        )
        texts |= {name: " ".join(text.split()) for name, text in entries}
    return texts
