"""Tables of the embedded corpora."""

from typing import Any

from segtool.tables.console import console, format_size, make_table, print_line, print_properties


def print_corpora(content: dict[str, Any]) -> None:
    """Print all corpora with the sizes of their splits."""
    corpora = content["corpora"]
    if not corpora:
        print_line("No corpora yet. Embed a text with segtool embed.")
        return
    table = make_table("corpus", "train", "dev", "test", "size")
    for corpus in corpora:
        splits = (corpus["splits"].get(split) for split in ("train", "dev", "test"))
        sizes = (f"{counts['sentences']:,}" if counts else "-" for counts in splits)
        table.add_row(corpus["name"], *sizes, format_size(corpus["bytes"]))
    console.print(table)
    print_line(
        "The train, dev and test columns count sentences. "
        f"Commands use {corpora[-1]['name']} by default."
    )


def print_corpus(content: dict[str, Any]) -> None:
    """Print the splits and the properties of a corpus."""
    table = make_table("split", "documents", "sentences", "boundaries")
    for split, counts in content["splits"].items():
        numbers = (counts[key] for key in ("documents", "sentences", "boundaries"))
        table.add_row(split, *(f"{number:,}" for number in numbers))
    console.print(table, "")
    print_properties(
        {
            "name": content["name"],
            "source": _source(content["source"]),
            "embedded": _or_unknown(content["embedded"])[:19].replace("T", " "),
            "sentence rule": _or_unknown(content["sentence_rule"]),
            "language": content["language"] or "detected",
            "headings removed": _or_unknown(content["headings_removed"]),
            "encoders": "\n".join(map(_encoder, content["encoders"])),
            "runs": ", ".join(content["runs"]) or "none",
            "runs on an earlier version of the text": ", ".join(content["earlier_runs"]) or "none",
            "file": content["path"],
            "size": format_size(content["bytes"]),
        }
    )


def _source(source: str | None) -> str:
    return {None: "unknown", "-": "standard input"}.get(source) or str(source)


def _or_unknown(value: Any) -> Any:  # noqa: ANN401
    """Return the value of a property; "unknown" if an early version did not write it."""
    return "unknown" if value is None else value


def _encoder(encoder: dict[str, Any]) -> str:
    return " ".join(filter(None, (encoder["name"], encoder["pooling"])))
