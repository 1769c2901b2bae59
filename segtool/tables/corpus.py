"""Tables of a corpus: the result of `embed`, and statistics."""

from typing import Any

from segtool.tables.console import (
    console,
    describe_vectors,
    format_count,
    format_number,
    make_table,
    print_line,
)

_BOUNDARIES = {
    "indent": "indented lines",
    "line": "every line",
    "blank": "lines after a blank line",
    "typed": "indented lines (all other lines are lines of dialogue)",
}


def print_embedded(content: dict[str, Any]) -> None:
    """Print the corpus that `segtool embed` read, and how many sentences it encoded."""
    print_line(f"{content['corpus']} ({content['encoder']}, {content['dim']} dimensions)")
    table = make_table("split", "documents", "sentences", "boundaries", "rate")
    for split, counts in content["splits"].items():
        rate = counts["boundaries"] / counts["sentences"]
        numbers = [f"{counts[key]:,}" for key in ("documents", "sentences", "boundaries")]
        table.add_row(split, *numbers, f"{rate:.1%}")
    console.print(table)
    print_line(
        f"{format_count(content['sentences'], 'sentence')} ({content['unique']:,} distinct): "
        f"{_encoded(content)} ({content['seconds']:.1f} s)"
    )
    if read := content["boundaries_read"]:
        found = " or ".join(_BOUNDARIES[boundary] for boundary in read)
        condition = ", depending on the document" if len(read) > 1 else ""
        print_line(f"Paragraphs begin at: {found}{condition} (see --boundary)")
    if content["headings_removed"]:
        print_line(f"{format_count(content['headings_removed'], 'heading')} removed")
    if content["truncated"]:
        print_line(
            f"Warning: the encoder truncated {format_count(content['truncated'], 'sentence')} to "
            "its maximum length."
        )


def _encoded(content: dict[str, Any]) -> str:
    if not content["encoded"]:
        return "all already stored"
    already = f", {content['cached']:,} already stored" if content["cached"] else ""
    return f"{content['encoded']:,} encoded{already}"


def print_statistics(content: dict[str, Any]) -> None:
    """Print the statistics of a corpus and of its stored vectors."""
    splits = content["splits"]
    print_line(
        "  ".join(
            f"{split.capitalize()}({counts['sentences']}:{counts['boundaries']})"
            for split, counts in splits.items()
        )
        + "  sentences:boundaries"
    )
    table = make_table(content["corpus"], *splits)
    for name in ("documents", "paragraphs"):
        table.add_row(name, *(f"{counts[name]:,}" for counts in splits.values()))
    for name, text in (
        ("sentence_characters", "characters per sentence"),
        ("paragraph_sentences", "sentences per paragraph"),
    ):
        table.add_section()
        for statistic in next(iter(splits.values()))[name]:
            values = (counts[name][statistic] for counts in splits.values())
            specification = ",.1f" if statistic == "mean" else ",.0f"
            shown = (format_number(value, specification) for value in values)
            table.add_row(f"{text}, {statistic}", *shown)
    table.add_section()
    for name, text in (
        ("duplicates", "repeated sentences"),
        ("in_train", "sentences also in train"),
    ):
        shares = (_share(counts[name], counts["sentences"]) for counts in splits.values())
        table.add_row(text, *shares)
    console.print(table)
    for encoder in content["encoders"]:
        print_line(f"{encoder['name']}: {describe_vectors(encoder['stored'])}")


def _share(part: int | None, whole: int) -> str:
    return "" if part is None else f"{part:,} ({part / whole:.1%})"
