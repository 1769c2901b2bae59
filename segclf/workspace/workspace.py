"""The workspace: a folder with the store, the corpora embedded into it, and the runs.

store/              the embedding store
corpora/NAME.jsonl  sentences, labels, splits and encoders of a corpus
encoders/ID.json    fitted state of the encoder with this fingerprint
runs/RUN/           see `segclf.workspace.runs`
tensorboard/RUN/    scores of a run for TensorBoard
locks/              locks of trials, so that two sweeps do not train the same trial
jobs/               intermediate files of `segtool embed --engine ray`
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from embedcache import EmbeddingStore, UserError
from embedcache.folder_lock import folder_lock, sole_lock
from segclf.corpus import Corpus
from segclf.workspace.corpora import EncoderReference, StoredCorpus
from segclf.workspace.corpus_files import read_corpus_file, read_header, write_corpus_file
from segclf.workspace.files import warn_once

_DEFAULT_FOLDER = ".segtool"


class Workspace:
    """The folder that the commands share.

    Args:
        path: Path of the folder; None for the environment variable SEGTOOL_HOME, or ./.segtool if
            it is not set. The folder is created when something is written.

    Attributes:
        path: Path of the folder.
        runs: Folder of the runs.
        encoders: Folder of the fitted states of encoders.
        corpora: Folder of the corpus files.
        tensorboard: Folder of the scores for TensorBoard.
        locks: Folder of the locks of trials.
        jobs: Folder of the intermediate files of `segtool embed --engine ray`.
    """

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        self.path = Path(path or os.environ.get("SEGTOOL_HOME") or _DEFAULT_FOLDER)
        self.runs = self.path / "runs"
        self.encoders = self.path / "encoders"
        self.corpora = self.path / "corpora"
        self.tensorboard = self.path / "tensorboard"
        self.locks = self.path / "locks"
        self.jobs = self.path / "jobs"
        self._store = self.path / "store"

    def has_store(self) -> bool:
        """Return whether the workspace has a store."""
        return self._store.exists()

    def store(self, *, create: bool = False) -> EmbeddingStore:
        """Open the store. If there is none and `create` is True, create it.

        Raises:
            UserError: There is no store and `create` is False.
            StoreError: The store is damaged or has a newer format.
        """
        path = self._store if create else self.store_path()
        return EmbeddingStore(path, create=create)

    def store_path(self) -> Path:
        """Return the folder of the store without opening the store.

        Raises:
            UserError: There is no store.
        """
        if not self.has_store():
            raise UserError(self._nothing_embedded())
        return self._store

    @contextmanager
    def embedding(self) -> Iterator[None]:
        """Protect the vectors of a corpus from removal until the corpus is saved.

        Encode and save the corpus inside a `with` block. Several processes may be in such a block
        at the same time. No process enters it while another process is in a block of `collecting`.
        On Windows, nothing is locked.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        with folder_lock(self.path):
            yield

    @contextmanager
    def collecting(self) -> Iterator[None]:
        """Inside a `with` block, prevent other processes from embedding a corpus.

        On Windows, nothing is locked.

        Raises:
            UserError: Another process is embedding a corpus, or is in a block of `collecting`.
        """
        with sole_lock(self.path, "embedding a corpus"):
            yield

    def save_corpus(
        self,
        name: str,
        corpus: Corpus | Iterable[Corpus],
        sentence_rule: str,
        encoder: EncoderReference,
        language: str | None = None,
        source: str | None = None,
    ) -> None:
        """Write a corpus that an encoder has encoded, replacing a corpus with the same name.

        The corpus becomes the latest. If its digest has not changed, its other encoders are kept.

        Args:
            name: Name of the corpus.
            corpus: Sentences, labels and splits; or an iterable over parts of the corpus, so that
                the whole corpus need not fit in memory.
            sentence_rule: Rule that split the text into sentences.
            encoder: Encoder whose vectors are in the store.
            language: Code (ISO 639-1) of the language that was set for the rule; None if the
                language was guessed.
            source: Absolute path or URL of the text, or "-" for standard input; None if it is
                unknown.

        Raises:
            UserError: The name is invalid; see `corpus_file`.
        """
        path = self.corpus_file(name)
        parts = [corpus] if isinstance(corpus, Corpus) else corpus
        write_corpus_file(path, parts, sentence_rule, encoder, language, source)

    def corpus_names(self) -> list[str]:
        """List the names of the embedded corpora, oldest first; see `corpus_paths`."""
        return [path.stem for path in self.corpus_paths()]

    def load_corpus(self, name: str | None = None) -> StoredCorpus:
        """Read a corpus, by default the latest.

        Raises:
            UserError: There is no such corpus, or its file is damaged or has a newer format.
        """
        return read_corpus_file(self.corpus_path(name))

    def corpus_path(self, name: str | None = None) -> Path:
        """Return the file of an embedded corpus, by default the latest.

        Raises:
            UserError: There is no such corpus.
        """
        if name is not None and (path := self.corpus_file(name)).exists():
            return path
        present = self.corpus_paths()
        if not present:
            raise UserError(self._nothing_embedded())
        if name is not None:
            known = ", ".join(path.stem for path in present)
            raise UserError(f"no corpus {name!r} in {self.path}; existing corpora: {known}")
        return present[-1]

    def corpus_file(self, name: str) -> Path:
        """Return the path of the file of a corpus, which may not exist.

        Raises:
            UserError: The name is not a file name, so the path might lie outside the workspace; or
                the name cannot be encoded in UTF-8, so the header of the file could not contain it.
        """
        if not name or Path(name).name != name:
            raise UserError(f"invalid corpus name {name!r}: use a name without slashes")
        try:
            name.encode()
        except UnicodeEncodeError as error:
            raise UserError(
                f"invalid corpus name {name!a}: it is not UTF-8, so choose another with --name"
            ) from error
        return self.corpora / f"{name}.jsonl"

    def corpus_paths(self) -> list[Path]:
        """List the files of the corpora, oldest first.

        Files that are damaged or have a newer format are skipped with a warning.
        """
        embedded = {}
        for path in sorted(self.corpora.glob("*.jsonl")):
            try:
                embedded[path] = read_header(path).get("embedded", "")  # early files have no time
            except UserError as error:
                warn_once(f"skipped: {error}")
        return sorted(embedded, key=embedded.__getitem__)

    def _nothing_embedded(self) -> str:
        return f"nothing is embedded in {self.path} yet: run segtool embed FILE first"
