"""Table of ready models."""

from typing import Any

from segtool.tables.console import console, format_number, make_table, print_line


def print_models(content: dict[str, Any]) -> None:
    """Print the ready models with their scores for each type of boundary on unseen authors."""
    table = make_table("model", "languages", "boundaries", "threshold", "F1", "Pk", "size")
    for model in content["models"]:
        for number, (name, head) in enumerate(model["types"].items()):
            scores = head["scores"].get("test", {})
            table.add_row(
                model["name"] if not number else "",
                ", ".join(model["languages"]) if not number else "",
                name,
                _format_thresholds(head),
                format_number(scores.get("f1")),
                format_number(scores.get("pk")),
                f"{model['bytes'] / 1e6:.1f} MB" if not number else "",
            )
    console.print(table)
    print_line("F1 and Pk are scores on authors that the models were not trained on.")
    for model in content["models"]:
        print_line(f"{model['name']}: {model['description']} (encoder {model['encoder']})")


def _format_thresholds(head: dict[str, Any]) -> str:
    """Return the threshold of a head or, if they differ, those for each language."""
    by_language = {name: format_number(t, ".2f") for name, t in head["thresholds"].items()}
    if len(by_language) > 1:
        return ", ".join(f"{name} {threshold}" for name, threshold in by_language.items())
    return next(iter(by_language.values()), format_number(head["threshold"], ".2f"))
