"""Statistics of a corpus and of its stored vectors."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

from embedcache import UserError
from segclf.corpus import Corpus, FormatName, ReadOptions, read_corpus
from segclf.workspace.corpora import EncoderReference
from segclf.workspace.workspace import Workspace


def find_corpus(
    target: str | None,
    workspace: Workspace,
    *,
    options: ReadOptions | None = None,
    format_name: Literal["auto", FormatName] = "auto",
    split: str | None = None,
    strict: bool = True,
) -> tuple[str, Corpus, tuple[EncoderReference, ...]]:
    """Find a corpus by name in the workspace, or read it from a path.

    Args:
        target: Corpus name, path, or "-" for standard input; None for the latest corpus.
        workspace: Workspace with the embedded corpora.
        options: Options for finding paragraphs and sentences, if `target` is a path.
        format_name: Format of the text, if `target` is a path.
        split: Name of one split or shares of the splits, if `target` is a path.
        strict: Whether to raise an error for a file in a folder that cannot be read; see
            `read_corpus`.

    Returns:
        Name and content of the corpus, and the encoders that embedded it. There are no encoders if
        the corpus was read from a path.

    Raises:
        UserError: There is no such corpus and no such path, the corpus is damaged, the text cannot
            be read (see `read_corpus`), or options for reading a path are given with a name.
    """
    if target is None or target in workspace.corpus_names():
        stored = workspace.load_corpus(target)
        if options not in (None, ReadOptions()) or format_name != "auto" or split is not None:
            raise UserError(
                f"{stored.name} is an embedded corpus: leave out the options for reading a path"
            )
        return stored.name, stored.corpus, stored.encoders
    if target != "-" and not Path(target).exists():
        known = ", ".join(workspace.corpus_names()) or "none"
        raise UserError(f"{target}: no such file or embedded corpus; embedded corpora: {known}")
    corpus = read_corpus(
        target, format_name=format_name, options=options, split=split, strict=strict
    )
    return Path(target).name, corpus, ()


def encoder_statistics(
    encoders: Sequence[EncoderReference], workspace: Workspace
) -> list[dict[str, Any]]:
    """Count the stored vectors of encoders. The parts of joined encoders are counted separately.

    Returns:
        A dictionary for each encoder or part: `name`, `pooling`, `fingerprint`, and `stored`, the
        result of `stored_vectors`.
    """
    parts = dict.fromkeys(part for encoder in encoders for part in encoder.parts)
    return [
        {**asdict(part), "stored": stored_vectors(workspace, part.fingerprint)} for part in parts
    ]


def stored_vectors(workspace: Workspace, fingerprint: str) -> dict[str, Any] | None:
    """Describe the vectors of an encoder in the store of a workspace.

    Returns:
        `rows`, the number of vectors; `dtype`, the dtype of the stored numbers; and `precisions`,
        the number of rows computed in each precision. None if there is no store, or it has no space
        for the encoder.
    """
    if not workspace.has_store():
        return None
    spaces = {space.fingerprint: space for space in workspace.store().spaces()}
    if fingerprint not in spaces:
        return None
    space = spaces[fingerprint]
    return {"rows": space.rows, "dtype": space.dtype, "precisions": space.precisions}
