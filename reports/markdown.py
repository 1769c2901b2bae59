"""Markdown tables and lists, and the formats of numbers in them."""

from collections.abc import Mapping, Sequence

NOT_RUN = "not run yet"


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def command_list(commands: Mapping[str, str]) -> str:
    """Return a list of commands by the name of what they run; an empty command becomes "none"."""
    return "".join(
        f"- {name}: {f'`{command}`' if command else 'none'}\n" for name, command in commands.items()
    )


def block(name: str, text: str) -> str:
    """Return a text between two comments, between which `replace_block` can replace it."""
    return f"<!-- {name}: begin -->\n\n{text}\n<!-- {name}: end -->\n"


def replace_block(page: str, name: str, text: str) -> str:
    """Return a page in which the text of a block is replaced; see `block`."""
    marks = [f"<!-- {name}: {edge} -->\n" for edge in ("begin", "end")]
    before, rest = page.split(marks[0])
    _, after = rest.split(marks[1])
    return before + block(name, text) + after


def mean_and_deviation(statistic: Mapping[str, float | None]) -> str:
    """Format a mean, or None as "", with its standard deviation, which is None for a single run."""
    mean, deviation = statistic["mean"], statistic["std"]
    if mean is None:
        return ""
    return f"{mean:.3f}" + ("" if deviation is None else f" ± {deviation:.3f}")


def seconds(value: float | None) -> str:
    """Format seconds with two significant digits, 10 or more as an integer, and None as ""."""
    if value is None:
        return ""
    return f"{value:.2g}" if value < 10 else f"{value:,.0f}"
