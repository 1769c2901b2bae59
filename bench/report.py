"""Write `docs/benchmarks.md`, and the tables in `docs/scale.md`, from `bench/results/*.json`."""

import json
import re

from bench.harness import COLUMNS, RESULTS, Row, cells

NOTES = RESULTS.parent / "notes.md"
PAGE = RESULTS.parents[1] / "docs" / "benchmarks.md"
SCALE_PAGE = PAGE.with_name("scale.md")
INTRODUCTION = """\
# Benchmarks

This page compares the speed and memory use of segtool with other tools and with plain PyTorch and
NumPy code, and explains which bounds are not met and why. `make bench` measures everything again
and writes this page from `bench/results/`.

Each table comes from one run of one script. A row gives the median and the range over several
rounds, the ratio of this median to the median of the reference, which the column names, and the
bound that was set in advance, if there is one. Times are valid for the machine named above the
table; ratios are more likely to hold on other machines.
"""
DESCRIPTIONS = {
    "store": "Lower is better, except for ids per second. The references are plain NumPy files.",
    "peers": "A cold write fills an empty cache, a warm read returns all vectors as one array. A "
    "cache is crash-safe if it keeps finished batches when the process is killed.",
    "encode": "Lower is better, except for cosines and sentences per second.",
    "encode_40000": "As above, but each row is one run, and processes of lower priority used the "
    "machine too.",
    "encode_float32": "Lower is better, except for cosines and sentences per second.",
    "backends": "Cosine similarities are to the vectors that torch computes in float32. A backend "
    "is chosen automatically only if both bounds hold.",
    "backends_float32": "As above.",
    "fast": "These encoders need no Transformer.",
    "busy": "A fair share is cores / (cores + processes) of the rate without other processes.",
    "busy_float32": "As above.",
    "pipeline": "The ratio shows how much time reading, hashing and storing add to the encoder.",
    "pipeline_float32": "As above.",
    "growth": "A ratio of 10 means linear growth. The last rows show a plain write of that size.",
    "readers": "Processor seconds for a text of 100 MB on one line, by reader and sentence rule.",
    "document": "From row to row the number of sentences grows by a factor of 4: a ratio of 4 is "
    "linear growth, a ratio of 16 is quadratic growth.",
    "vectors_on_disk": "An epoch is given in processor seconds, with the prediction for dev. Peak "
    "memory is that of the process of `segtool train`, with the pages of files that it maps.",
    "training": "The rows of the loops give seconds per epoch. Lower is better, except for F1.",
}


SCALE_DESCRIPTIONS = {
    "scale_engine_1000000": "Higher is better for rates.",
    "scale_engine_10000000": "As above.",
    "scale_engine_50000000": "As above.",
    "scale_overhead": "Lower is better. Times alternate between the two pipelines.",
    "scale_files": "Lower is better. Reading computes the checksums and the sum of the vectors.",
    "scale_novels": "Lower is better. Whole commands include the start of Python and of Ray.",
    "scale_training": "Lower is better. Whole commands include the start of Python and of Ray.",
}


def main() -> None:
    """Write the pages."""
    PAGE.write_text(page(), encoding="utf-8")
    SCALE_PAGE.write_text(scale_page(), encoding="utf-8")


def page() -> str:
    """Return the page of benchmarks."""
    notes = NOTES.read_text(encoding="utf-8")
    return "\n".join([INTRODUCTION, *sections(DESCRIPTIONS), notes])


def scale_page() -> str:
    """Return the page about scale, with new tables between its marks."""
    tables = sections(SCALE_DESCRIPTIONS, "###")
    block = "\n".join(["<!-- bench: begin -->\n", *tables, "<!-- bench: end -->"])
    text = SCALE_PAGE.read_text(encoding="utf-8")
    pattern = r"<!-- bench: begin -->.*<!-- bench: end -->"
    return re.sub(pattern, lambda _: block, text, flags=re.DOTALL)


def sections(descriptions: dict[str, str], level: str = "##") -> list[str]:
    """Return the tables of the scripts that have been run, each with a heading."""
    paths = {name: RESULTS / f"{name}.json" for name in descriptions}
    return [
        section(level, descriptions[name], json.loads(path.read_text("utf-8")))
        for name, path in paths.items()
        if path.exists()
    ]


def section(level: str, description: str, content: dict) -> str:
    """Return one table with its heading."""
    lines = [
        f"{level} {content['title']}",
        "",
        f"Measured by `{content['command']}` on {content['machine']}. {description}",
        "",
        f"| {' | '.join(COLUMNS)} |",
        f"| {' | '.join('---' for _ in COLUMNS)} |",
    ]
    lines += ["| " + " | ".join(cells(Row(**row))) + " |" for row in content["rows"]]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
