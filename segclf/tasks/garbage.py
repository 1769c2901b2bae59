"""Removes vectors of given encoders, or vectors that nothing in the workspace uses."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from embedcache import SpaceInfo, UserError, normalize, sentence_ids
from embedcache.files import remove_abandoned
from embedcache.ids import Ids
from embedcache.store.removal import (
    count_unreachable,
    count_unwanted,
    count_unwanted_texts,
    remove_spaces,
    remove_unwanted,
)
from segclf.workspace.corpus_files import corpora_of_spaces, read_corpus_file
from segclf.workspace.record_files import read_record
from segclf.workspace.workspace import Workspace


@dataclass(frozen=True)
class Garbage:
    """Vectors that were removed from the store or, in a dry run, would be removed.

    Attributes:
        spaces: Spaces that are removed.
        vectors: Other spaces, and the number of vectors that are removed from each.
        unreachable: Number of bytes that are removed in values that belong to no space, because the
            description of their space was lost.
        texts: Number of texts that are removed.
        corpora: Names of the corpora that use a space, by its fingerprint.
    """

    spaces: tuple[SpaceInfo, ...]
    vectors: tuple[tuple[SpaceInfo, int], ...]
    unreachable: int
    texts: int
    corpora: dict[str, list[str]]


def collect_garbage(
    workspace: Workspace,
    *,
    encoders: Sequence[str] = (),
    unused: bool = False,
    sentences: bool = False,
    dry_run: bool = False,
    progress: bool = False,
) -> Garbage:
    """Remove vectors from the store of a workspace.

    Vectors that a corpus of the workspace uses are kept, except in the spaces that `encoders`
    names. If the process is killed, it has removed nothing, only the spaces, or everything. No
    corpus can be embedded during the removal.

    Args:
        workspace: Workspace with the store.
        encoders: Names or fingerprints of encoders whose spaces are removed; see
            `EmbeddingStore.find_space`.
        unused: Whether to remove the spaces that no corpus and no run of the workspace refers to,
            and values that belong to no space.
        sentences: Whether to remove, from the other spaces, the vectors of sentences that are in no
            corpus of the workspace, and the texts of these sentences.
        dry_run: Whether to remove nothing.
        progress: Whether to show a progress bar on standard error after two seconds.

    Raises:
        UserError: Nothing is selected, there is no store, a process is embedding a corpus, or a
            corpus or a run cannot be read, so that the vectors that it uses are unknown.
        StoreError: There is no such space, the name matches several spaces, the store is damaged,
            read-only or of an earlier format, the disk is full, or `sentences` is true and the
            system is Windows.
    """
    if not (encoders or unused or sentences):
        raise UserError("choose what to remove: --encoder, --unused or --sentences")
    path = workspace.store_path()
    with workspace.collecting():
        store = workspace.store()
        infos = store.spaces()
        # including files that cannot be read: nothing is removed if a corpus is damaged
        files = sorted(workspace.corpora.glob("*.jsonl"))
        corpora = corpora_of_spaces(files)
        removed = {store.find_space(encoder).fingerprint for encoder in encoders}
        if unused:
            used = corpora.keys() | _spaces_of_runs(workspace)
            removed |= {info.fingerprint for info in infos} - used
        wanted = _ids_of_corpora(files) if sentences else None
        unwanted = {} if wanted is None else count_unwanted(path, wanted)
        garbage = Garbage(
            spaces=tuple(info for info in infos if info.fingerprint in removed),
            vectors=tuple(
                (info, count)
                for info in infos
                if info.fingerprint not in removed and (count := unwanted.get(info.fingerprint))
            ),
            unreachable=count_unreachable(path) if unused else 0,
            texts=0 if wanted is None else count_unwanted_texts(path, wanted),
            corpora=corpora,
        )
        if not dry_run:
            remove_abandoned(path)  # here, because the other removals may have nothing to do
            if removed or garbage.unreachable:
                remove_spaces(path, removed)
            if wanted is not None and (garbage.vectors or garbage.texts):
                remove_unwanted(path, wanted, progress=progress)
    return garbage


def _spaces_of_runs(workspace: Workspace) -> set[str]:
    """Return the fingerprints of the spaces that the runs of a workspace use."""
    records = [read_record(path) for path in workspace.runs.glob("[!.]*/run.json")]
    encoders = [record.encoder for record in records if record.encoder]
    return {part.fingerprint for encoder in encoders for part in encoder.parts}


def _ids_of_corpora(files: Sequence[Path]) -> Ids:
    """Return the ids (n, 2) of all sentences in corpus files."""
    ids = [np.empty((0, 2), dtype=np.uint64)]
    for file in files:
        ids.append(sentence_ids(map(normalize, read_corpus_file(file).corpus.sentences)))
    return np.concatenate(ids)
