"""Table of ready models."""

from typing import Any

from segtool.tables.console import console, format_number, format_size, make_table, print_line


def print_models(content: dict[str, Any]) -> None:
    """Print the ready models with their scores for each type of boundary on unseen authors."""
    table = make_table("model", "boundaries", "threshold", "F1", "Pk", "size")
    table.columns[0].no_wrap = True  # users copy the name
    for model in content["models"]:
        for number, (name, head) in enumerate(model["types"].items()):
            scores = head["scores"].get("test", {})
            table.add_row(
                model["name"] if not number else "",
                name,
                _format_thresholds(head),
                format_number(scores.get("f1")),
                format_number(scores.get("pk")),
                format_size(model["bytes"]) if not number else "",
            )
    console.print(table)
    print_line("F1 and Pk are scores on authors that the models were not trained on.")
    for model in content["models"]:
        languages = ", ".join(model["languages"])
        print_line(
            f"{model['name']} ({languages}): {model['description']} (encoder {model['encoder']})"
        )


def _format_thresholds(head: dict[str, Any]) -> str:
    """Return the threshold of a head or, if its thresholds differ by language, their range."""
    thresholds = sorted(head["thresholds"].values()) or [head["threshold"]]
    ends = dict.fromkeys(format_number(thresholds[end], ".2f") for end in (0, -1))
    return " to ".join(ends)
