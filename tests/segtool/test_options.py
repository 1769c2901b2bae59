"""Options made from dataclasses."""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import pytest
import typer
from typer.testing import CliRunner

from segclf.training.options import TrainingOptions
from segclf.workspace.encoders import DEFAULT_ENCODER
from segtool.commands.corpus import VectorOptions
from segtool.options import attribute_texts, with_options
from segtool.tables.encoders import print_encoders
from tests.segtool.texts import mistake


@dataclass(frozen=True)
class Base:
    """Common options.

    Attributes:
        rate: Learning rate, of
            the optimizer.
        checkpointing: Save memory.
    """

    rate: float = 0.5
    checkpointing: bool = False


@dataclass(frozen=True)
class Special(Base):
    """Special options.

    Attributes:
        loss: Loss function: focal or not.
        head: One of many heads.
        window_size: Sentences. [default: 4]
    """

    loss: Literal["focal", "plain"] = "plain"
    head: Literal["first-of-many-heads", "second-of-many-heads", "third"] | None = None
    window_size: int | None = None


@dataclass(frozen=True)
class Renamed:
    """Options, one of which was renamed.

    Attributes:
        reach: Sentences.
    """

    deprecated_options: ClassVar[dict[str, Any]] = {"window": int | None}

    reach: int | None = None

    @classmethod
    def from_settings(cls, values):
        return cls(values["reach"] or values["window"])


@pytest.fixture
def run():
    app = typer.Typer(rich_markup_mode=None)
    calls = []

    @app.command()
    @with_options(rate=("--rate", "--rates"))
    def train(
        path: Annotated[str, typer.Argument()],
        *,
        options: Special,
        as_json: Annotated[bool, typer.Option("--json")] = False,
    ) -> None:
        """Train a head."""
        calls.append((path, options, as_json))

    def invoke(*arguments):
        result = CliRunner().invoke(app, arguments, terminal_width=80)
        return result, calls

    return invoke


def test_a_command_gets_the_dataclass(run):
    assert run("a.txt")[1] == [("a.txt", Special(), False)]


def test_each_field_is_an_option(run):
    arguments = ("--window-size", "3", "--loss", "focal", "--checkpointing", "--json", "a.txt")
    _, calls = run(*arguments)
    assert calls == [("a.txt", Special(0.5, True, "focal", None, 3), True)]


def test_an_option_may_have_two_flags(run):
    assert run("a.txt", "--rate", "1")[1] == [("a.txt", Special(rate=1.0), False)]
    assert run("a.txt", "--rates", "2")[1][-1] == ("a.txt", Special(rate=2.0), False)


def test_values_are_checked_by_the_type_of_the_field(run):
    for wrong in (("--loss", "other"), ("--head", "fourth"), ("--window-size", "x")):
        result, calls = run("a.txt", *wrong)
        assert result.exit_code == 2
        assert wrong[0] in result.output
        assert calls == []


def test_help_shows_docstrings_and_defaults_own_fields_first(run):
    page = " ".join(run("--help")[0].output.split())
    assert "Train a head." in page
    assert "--loss <focal|plain> Loss function: focal or not. [default: plain]" in page
    assert "--head <name> One of many heads." in page
    assert "--window-size <int> Sentences. [default: 4]" in page
    assert "--rate, --rates <float> Learning rate, of the optimizer. [default: 0.5]" in page
    assert "--checkpointing Save memory." in page
    assert page.index("--loss") < page.index("--rate")


def test_deprecated_options_still_work_but_are_not_shown():
    app = typer.Typer(rich_markup_mode=None)
    calls = []

    @app.command()
    @with_options()
    def train(*, options: Renamed) -> None:
        calls.append(options)

    for arguments in (["--reach", "3"], ["--window", "4"], []):
        assert CliRunner().invoke(app, arguments).exit_code == 0
    assert calls == [Renamed(3), Renamed(4), Renamed(None)]
    assert "--window" not in CliRunner().invoke(app, ["--help"]).output


@pytest.mark.parametrize(
    ("name", "head"), [("head", None), ("window", None), ("reach", "local-transformer")]
)
def test_the_help_of_training_states_the_defaults(name, head):
    default = getattr(TrainingOptions(head=head), name)
    assert attribute_texts(TrainingOptions)[name].endswith(f"[default: {default}]")


def test_a_wrong_format_gets_one_line(cli, tmp_path):
    (tmp_path / "new.txt").write_text("雨が降る。")
    line = mistake(cli(tmp_path, "stats", "new.txt", "--format", "epub"))
    assert "'--format': 'epub' is not one of 'auto', 'plain', 'aozora', 'choi', 'jsonl'" in line
    assert list(tmp_path.iterdir()) == [tmp_path / "new.txt"]


def test_help_and_table_state_the_default_encoder(capsys):
    assert attribute_texts(VectorOptions)["encoder"].endswith(f"[default: {DEFAULT_ENCODER}]")
    print_encoders({})
    assert f"Default: {DEFAULT_ENCODER}." in capsys.readouterr().out
