"""Tables for people; every one shows what the command's --json prints."""

from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.table import Table

from embedcache.terminal import printable

if TYPE_CHECKING:
    from segclf.finetune.runs import Start
    from segclf.training.epochs import Epoch

# names and ids are shown as they are: never as markup, never as the code of an emoji
_console = Console(highlight=False, markup=False, emoji=False)
_BOUNDARIES = {
    "indent": "an indented line",
    "line": "every line",
    "blank": "the line behind a blank one",
}


def print_embedded(content: dict[str, Any]) -> None:
    """Print what `segtool embed` did."""
    table = Table(title=f"{content['corpus']} ({content['encoder']}, {content['dim']} dimensions)")
    for column in ("split", "documents", "sentences", "boundaries", "rate"):
        table.add_column(column, justify="left" if column == "split" else "right")
    for split, counts in content["splits"].items():
        rate = counts["boundaries"] / counts["sentences"]
        numbers = [f"{counts[key]:,}" for key in ("documents", "sentences", "boundaries")]
        table.add_row(split, *numbers, f"{rate:.1%}")
    _console.print(table)
    _console.print(
        f"{content['sentences']:,} sentences, {content['unique']:,} different: "
        f"{content['encoded']:,} encoded now, {content['cached']:,} were in the store; "
        f"section titles removed: {content['headings_removed']:,}; {content['seconds']:.1f} s",
        soft_wrap=True,
    )
    if read := content["boundaries_read"]:
        found = ", ".join(_BOUNDARIES[boundary] for boundary in read)
        _console.print(f"paragraphs begin with: {found} (--boundary)", soft_wrap=True)
    if content["truncated"]:
        _console.print(
            f"{content['truncated']:,} sentences are longer than the encoder's maximum: "
            "it saw only their beginnings",
            soft_wrap=True,
        )


def print_start(start: "Start") -> None:
    """Print what `segtool finetune` is about to train."""
    _console.print(
        f"{'going on with ' if start.resumed else ''}{start.run}: {printable(start.encoder)}, "
        f"{start.parameters:,} parameters, {start.trainable_parameters:,} of them trainable; "
        f"{start.device}, {start.precision}",
        soft_wrap=True,
    )


def print_epoch(epoch: "Epoch") -> None:
    """Print an epoch as a line."""
    if epoch.epoch == 0:
        _console.print("epoch    loss  dev precision  recall      F1  seconds")
    _console.print(
        f"{epoch.epoch:5d}  {epoch.loss:6.4f}  {epoch.precision:13.3f}  {epoch.recall:6.3f}"
        f"  {epoch.f1:6.3f}  {epoch.seconds:7.2f}"
    )


def print_run(content: dict[str, Any]) -> None:
    """Print what `segtool train` or `segtool finetune` gave."""
    dev = content["dev"]
    _console.print(
        f"run {content['run']}: {content['head']}{_reads(content)}, "
        f"{content['parameters']:,} parameters; best epoch {content['best_epoch']}: dev F1 "
        f"{dev['f1']:.3f} at threshold {content['threshold']:.3f}; "
        f"{content['seconds_per_epoch']:.2f} s an epoch",
        soft_wrap=True,
    )
    _warn_if_collapsed(content)
    if content.get("dev_at_half", {}).get("collapsed") and not content["collapsed"]:
        _console.print(
            "At probability 0.5 this run would say the same before every sentence; the threshold "
            "chosen on dev saves it.",
            style="red",
            soft_wrap=True,
        )


def print_evaluation(content: dict[str, Any]) -> None:
    """Print a run's scores above the baselines'."""
    table = Table(
        title=f"{content['corpus']} {content['split']}: {content['sentences']:,} sentences, "
        f"{content['boundaries']:,} boundaries"
    )
    table.add_column("system")
    columns = ("precision", "recall", "f1", "pk", "window_diff")
    for column in columns:
        table.add_column(column, justify="right")
    at_half = {"the same at threshold 0.5": content["at_half"]}
    rows = {content["run"]: content} | at_half | content["baselines"]
    for name, scores in rows.items():
        style = "bold" if name == content["run"] else None
        table.add_row(name, *(f"{scores[column]:.3f}" for column in columns), style=style)
    _console.print(table)
    _console.print(
        "pk and window_diff: lower is better; probabilities are off by "
        f"{content['reliability']['expected_error']:.3f} on average; "
        f"{content['run']} took {content['predict_seconds']:.2f} s",
        style="dim",
        soft_wrap=True,
    )
    _warn_if_collapsed(content)


def print_encoders(content: dict[str, Any]) -> None:
    """Print the built-in encoders."""
    table = Table("name", "what it is", "its package on PyPI")
    for name, known in content.items():
        table.add_row(name, known["description"], known["package"])
    _console.print(table)
    _console.print(
        "the default is e5-small:7+surface: NAME:LAYER cuts a transformer after that layer, + puts "
        "vectors side by side\n"
        "also: the folder or Hub id of any sentence-transformers model, or of any Hugging Face "
        "encoder with --pooling cls, mean or max; word vectors of word2vec, fastText, GloVe or "
        "Wikipedia2Vec as wordvec:FILE with --pooling mean, sif or tokens",
        soft_wrap=True,
    )


def print_described(content: dict[str, Any]) -> None:
    """Print what encoders say of themselves, a table each."""
    for described in content["encoders"]:
        table = Table(show_header=False)
        for name, value in (described | {"stored": _stored(described["stored"])}).items():
            if isinstance(value, dict):
                value = "\n".join(f"{key}: {item!r}" for key, item in value.items())
            table.add_row(name, f"{value:,}" if isinstance(value, int) else str(value))
        _console.print(table)


def print_statistics(content: dict[str, Any]) -> None:
    """Print what a corpus is made of."""
    splits = content["splits"]
    _console.print(
        "  ".join(
            f"{split.capitalize()}({counts['sentences']}:{counts['boundaries']})"
            for split, counts in splits.items()
        )
        + "  sentences:boundaries",
        soft_wrap=True,
    )
    table = Table(title=content["corpus"], box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("")
    for split in splits:
        table.add_column(split, justify="right")
    for name, text in (("documents", "documents"), ("paragraphs", "paragraphs")):
        table.add_row(text, *(f"{counts[name]:,}" for counts in splits.values()))
    for name, text in (
        ("sentence_characters", "characters a sentence"),
        ("paragraph_sentences", "sentences a paragraph"),
    ):
        table.add_section()
        for figure in next(iter(splits.values()))[name]:
            values = (counts[name][figure] for counts in splits.values())
            shown = (f"{v:,.1f}" if figure == "mean" else f"{v:,.0f}" for v in values)
            table.add_row(f"{text}, {figure}", *shown)
    table.add_section()
    for name, text in (("duplicates", "sentences seen before"), ("in_train", "sentences in train")):
        table.add_row(text, *(_share(c[name], c["sentences"]) for c in splits.values()))
    _console.print(table)
    for encoder in content["encoders"]:
        _console.print(
            f"{encoder['name']}: {_stored(encoder['stored'])}", soft_wrap=True, markup=False
        )


def _stored(vectors: dict[str, Any] | None) -> str:
    """Say what the store has of an encoder: `segclf.workspace.encoders.stored_vectors`."""
    if vectors is None:
        return "no vectors in the store"
    precisions = ", ".join(f"{rows:,} in {name}" for name, rows in vectors["precisions"].items())
    return f"{vectors['rows']:,} vectors stored as {vectors['dtype']}; computed: {precisions}"


def _share(count: int | None, whole: int) -> str:
    return "" if count is None else f"{count:,} ({count / whole:.1%})"


def _reads(content: dict[str, Any]) -> str:
    documents = ", whole documents" if content["context"] == "document" else ""
    return documents + (f", window {content['window']}" if content["window"] else "")


def _warn_if_collapsed(content: dict[str, Any]) -> None:
    if content["collapsed"]:
        _console.print(
            "This run has collapsed: it says the same before every sentence. Try another loss or "
            "learning rate, or more text.",
            style="bold red",
            soft_wrap=True,
        )
