"""Table of the difference between two runs."""

from typing import Any

from segtool.tables.console import console, format_count, make_table, print_line

_SCORES = {"f1": "F1", "pk": "Pk"}


def print_comparison(content: dict[str, Any]) -> None:
    """Print the differences between two runs and whether they are significant."""
    print_line(f"{content['corpus']} {content['split']}")
    scores = [content[name] for name in _SCORES]
    table = make_table("", *_SCORES.values())
    for run, position in zip(content["runs"], ("first", "second"), strict=True):
        table.add_row(run, *(f"{score[position]:.3f}" for score in scores))
    table.add_row("difference", *(f"{score['difference']:+.3f}" for score in scores))
    table.add_row(
        f"{content['confidence']:.0%} interval",
        *(f"{score['low']:+.3f} to {score['high']:+.3f}" for score in scores),
    )
    console.print(table)
    for name, sign in (("f1", 1), ("pk", -1)):  # 1 if higher is better
        print_line(_verdict(content, name, sign))
    print_line(_method(content), style="dim")


def _verdict(content: dict[str, Any], name: str, sign: int) -> str:
    score = content[name]
    if not score["significant"]:
        return f"{_SCORES[name]}: no significant difference (the interval contains 0)"
    better = content["runs"][0 if score["difference"] * sign > 0 else 1]
    return f"{_SCORES[name]}: {better} is significantly better (the interval excludes 0)"


def _method(content: dict[str, Any]) -> str:
    text = f"Paired bootstrap: {content['resamples']:,} resamples of "
    if content["unit"] == "document":
        text += format_count(content["units"], "document")
        few = ", so few that the interval is imprecise"
        return text + (few if content["few_documents"] else "")
    return text + (
        f"blocks of {format_count(content['block_length'], 'sentence')}, because the split is one "
        "document. The interval does not cover variation between documents."
    )
