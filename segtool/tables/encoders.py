"""Tables of encoders."""

from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from segclf.workspace.encoders import DEFAULT_ENCODER
from segtool.tables.console import console, describe_vectors, print_line


def print_encoders(content: dict[str, Any]) -> None:
    """Print the built-in encoders."""
    table = Table(box=SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    for heading in ("encoder", "description"):
        table.add_column(heading, overflow="fold")
    for name, known in content.items():
        package = f" (PyPI package {known['package']})" if known["package"] else ""
        table.add_row(name, known["description"] + package)
    console.print(table)
    print_line(
        f"Default: {DEFAULT_ENCODER}. NAME:LAYER uses a Transformer only up to that layer; A+B "
        "concatenates the vectors of encoders A and B.\n"
        "Other encoders: the folder or Hub id of a sentence-transformers model, or of a Hugging "
        "Face encoder with --pooling cls, mean or max; static:NAME for token vectors that are "
        "distilled from a Transformer; wordvec:FILE for word vectors from word2vec, fastText, "
        "GloVe or Wikipedia2Vec, with --pooling mean, sif or tokens."
    )


def print_encoder_properties(content: dict[str, Any]) -> None:
    """Print the properties of encoders, one table for each."""
    for described in content["encoders"]:
        table = Table(show_header=False, box=None)
        table.add_column()
        table.add_column(overflow="fold")
        for name, value in (described | {"stored": describe_vectors(described["stored"])}).items():
            if isinstance(value, dict):
                value = "\n".join(f"{key}: {item!r}" for key, item in value.items())
            text = f"{value:,}" if isinstance(value, int) else str(value)
            table.add_row(name.replace("_", " "), text)
        console.print(table, "")
