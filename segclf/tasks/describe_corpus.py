"""Description of an embedded corpus: its source, its size, its encoders and its runs."""

from typing import Any

from segclf.workspace.corpus_files import read_corpus_file, read_header
from segclf.workspace.runs import list_runs
from segclf.workspace.workspace import Workspace

_SHOWN = ("source", "embedded", "sentence_rule", "language", "headings_removed", "encoders")


def describe_corpus(workspace: Workspace, name: str | None = None) -> dict[str, Any]:
    """Describe a corpus.

    Args:
        workspace: Workspace of the corpus.
        name: Name of the corpus; None for the latest.

    Returns:
        `name`; `source`, `embedded`, `sentence_rule`, `language`, `headings_removed` and
        `encoders`, which are entries of its header, or None if an earlier version of segtool did
        not write them; `splits` (see `segclf.corpus.documents.Corpus.counts`); `runs`, the names of
        the runs on this text; `earlier_runs`, the names of the runs on an earlier version of the
        text; `path` and `bytes`. A run whose record does not identify its text is in `runs`.

    Raises:
        UserError: There is no such corpus, or its file is damaged.
    """
    path = workspace.corpus_path(name)
    header = read_header(path)
    digest = header.get("digest", "")
    trained = [run for run in list_runs(workspace) if run.record.corpus == path.stem]
    current = [run.name for run in trained if run.record.corpus_digest in ("", digest)]
    return {
        "name": path.stem,
        **{key: header.get(key) for key in _SHOWN},
        "splits": header.get("counts") or read_corpus_file(path).corpus.counts(),
        "runs": current,
        "earlier_runs": [run.name for run in trained if run.name not in current],
        "path": str(path),
        "bytes": path.stat().st_size,
    }
