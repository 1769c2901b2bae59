"""Tunes the methods on the dev authors, scores them on the test authors and writes the records.

Usage: python -m reports.peers [METHOD ...]

METHOD is a module of this package, such as texttiling; the default is all methods without a record.
The texts are the corpora that `make models` creates in the workspace `SEGTOOL_HOME`.
"""

import sys
import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from embedcache import UserError, encode_sentences, load_encoder, sentence_ids
from embedcache.encoders.threads import limit_threads
from embedcache.files import write_json
from recipes.build import RECIPES, read_recipes
from reports.authors import Result, language_part, reported_types
from reports.peers.methods import METHODS, RECORDS, Method
from reports.peers.tuning import Texts, compare
from reports.peers.works import Work
from segclf.corpus import BoundaryType, Split
from segclf.workspace.corpora import StoredCorpus
from segclf.workspace.workspace import Workspace

ENCODER = "e5-small:7"
DEV_SENTENCES = 500  # read at the beginning of each dev work, because some methods are slow


def main(*names: str) -> None:
    """Run the methods in the modules `names`; by default those that have no record.

    Raises:
        UserError: There is no such method, or a corpus is missing.
    """
    chosen = choose_methods(names)
    if not chosen:
        return
    texts = read_all_texts(Workspace())
    RECORDS.mkdir(parents=True, exist_ok=True)
    for method in chosen:
        results: list[Result] = []
        for language, (dev, test) in texts.items():
            started = time.perf_counter()
            results += compare(method, language, dev, test)
            seconds = time.perf_counter() - started
            print(f"{method.name}, {language}: {seconds:.0f} s", flush=True)
        write_json(method.record, [result.to_dict() for result in results], indent=1)


def choose_methods(names: Sequence[str]) -> list[Method]:
    """Return the methods in the modules `names`; if there are no names, those without a record.

    Raises:
        UserError: There is no such method.
    """
    known = {method.module: method for method in METHODS}
    for name in names:
        if name not in known:
            raise UserError(f"no method {name!r}: choose from {', '.join(known)}")
    if names:
        return [known[name] for name in names]
    return [method for method in METHODS if not method.record.exists()]


def read_all_texts(workspace: Workspace) -> dict[str, tuple[Texts, Texts]]:
    """Return the dev texts and the test texts of each language."""
    texts = {}
    for recipe in read_recipes(RECIPES):
        if recipe.fast:
            continue  # the fast models have the same texts as the others
        stored, types = workspace.load_corpus(recipe.name), reported_types(recipe)
        for language in recipe.languages:
            dev = read_texts(workspace, stored, "dev", language, types)
            test = read_texts(workspace, stored, "test", language, types)
            texts[language] = dev, test
    return texts


def read_texts(
    workspace: Workspace,
    stored: StoredCorpus,
    split: Split,
    language: str,
    types: Sequence[BoundaryType],
) -> Texts:
    """Read the works of a split in one language, and embed their sentences.

    Of each work of dev, only the first `DEV_SENTENCES` sentences are read.
    """
    limit = DEV_SENTENCES if split == "dev" else None
    parts = {name: language_part(stored, split, name, language, limit=limit)[0] for name in types}
    part = parts[types[0]]
    vectors = embed(part.sentences, workspace)
    works = [
        Work(language, part.sentences[start:stop], vectors[start:stop])
        for start, stop in part.layout.documents
    ]
    return Texts(works, parts)


def embed(sentences: list[str], workspace: Workspace) -> NDArray[np.float32]:
    """Return the vectors (n, d) of sentences, scaled to unit length.

    The vectors are saved in the store of the workspace.
    """
    encoder = load_encoder(ENCODER)
    store = workspace.store(create=True)
    with limit_threads(1):
        encode_sentences(sentences, encoder, store, progress=True)
    vectors = store.vectors(encoder.fingerprint, sentence_ids(sentences))
    unit: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


if __name__ == "__main__":
    main(*sys.argv[1:])
