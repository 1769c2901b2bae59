"""Turn `bench/results/*.json` into `docs/benchmarks.md`."""

import json

from bench.harness import RESULTS, Row, cells

NOTES = RESULTS.parent / "notes.md"
PAGE = RESULTS.parents[1] / "docs" / "benchmarks.md"
ORDER = (
    "store",
    "peers",
    "encode",
    "pipeline",
    "growth",
    "readers",
    "document",
    "training",
    "gpu",
)
HEAD = """# Benchmarks

Written by `make bench` from `bench/results/`. Each table comes from one run of one script; median
and spread are over its rounds, ratios are of medians. Times hold for the machine named above the
table, ratios travel better.
"""


def main() -> None:
    """Write the page."""
    parts = [HEAD]
    for name in ORDER:
        path = RESULTS / f"{name}.json"
        if path.exists():
            parts.append(section(name, json.loads(path.read_text(encoding="utf-8"))))
    parts.append(NOTES.read_text(encoding="utf-8"))
    PAGE.write_text("\n".join(parts), encoding="utf-8")


def section(name: str, content: dict) -> str:
    """Return one table with its heading."""
    lines = [
        f"## {content['title']}",
        "",
        f"`python -m bench.{name}` on {content['machine']}.",
        "",
        "| | median | spread | ratio | bound | holds |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    lines += ["| " + " | ".join(cells(Row(**row))) + " |" for row in content["rows"]]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
