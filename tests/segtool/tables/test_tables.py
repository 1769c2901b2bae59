"""Tables on narrow terminals, and singular and plural."""

import pytest

from segtool.tables import (
    comparison,
    config,
    corpora,
    corpus,
    encoders,
    evaluation,
    models,
    removal,
    runs,
    store,
    training,
)
from segtool.tables.console import console, format_count
from tests.segtool.tables.contents import (
    compared,
    configured,
    described,
    described_models,
    embedded,
    encoder_list,
    estimated,
    evaluated,
    failed_trial,
    removed,
    run_row,
    statistics,
    store_exported,
    store_garbage,
    store_info,
    store_repaired,
    store_verified,
    swept,
    trained,
)
from tests.segtool.tables.contents import corpus as corpus_content

TABLES = [
    (corpus.print_embedded, embedded(), ["1,234", "4.5%"]),
    (training.print_run, trained(), ["314,113"]),
    (evaluation.print_evaluation, evaluated(), ["document-bilstm-001", "0.333"]),
    (runs.print_runs, {"runs": [run_row()], "unfinished": []}, ["12. local-tr", "0.333", "0.250"]),
    (runs.print_run, run_row(), ["local-transformer-w32-001", "0.432", "1.2 MB"]),
    (runs.print_estimate, estimated(), ["15 runs", "About 2 min"]),
    (corpora.print_corpora, {"corpora": [corpus_content()]}, ["1,234,567", "1.2 GB"]),
    (corpora.print_corpus, corpus_content(), ["1,234,567", "mlp-w4-001"]),
    (removal.print_removed, removed(), ["1.2 MB", "2 items: 2.5 MB"]),
    (removal.print_cleaned, removed(store=store_garbage()), ["1.2 MB", "Removed all"]),
    (config.print_config, configured(), ["0.001", "true"]),
    (models.print_models, described_models(), ["european", "paragraph", "0.827", "MB"]),
    (corpus.print_statistics, statistics(), ["123,456", "12,345.6"]),
    (runs.print_sweep, swept(), ["local-transformer, window 32", "0.333±.012"]),
    (comparison.print_comparison, compared(), ["document-bilstm-001", "+0.050 to +0.150"]),
    (store.print_info, store_info(), ["12,345", "9.5 MB", "float16", "(12,000)"]),
    (store.print_verified, store_verified(), ["12,345", "values damaged"]),
    (store.print_repaired, store_repaired(), ["12,345", "computed again"]),
    (store.print_garbage, store_garbage(), ["Removed all", "novels"]),
    (store.print_exported, store_exported(), ["12,345 vectors", "9.5 MB"]),
    (encoders.print_encoders, encoder_list(), ["all-MiniLM-L6-v2"]),
    (encoders.print_encoder_properties, described(), ["max tokens", "no vectors in the store"]),
]


def printed(capsys, print_table, content):
    print_table(content)
    return capsys.readouterr().out


@pytest.mark.parametrize("width", [60, 80])
@pytest.mark.parametrize(("print_table", "content", "expected"), TABLES)
def test_tables_fit_the_terminal(monkeypatch, capsys, print_table, content, expected, width):
    monkeypatch.setattr(console, "_width", width)
    monkeypatch.setattr(console, "_force_terminal", True)
    out = printed(capsys, print_table, content)
    assert max(map(len, out.splitlines())) <= width
    assert "…" not in out
    for text in expected:
        assert text in out


def test_a_dry_run_of_a_sweep_prints_the_runs_and_the_time(capsys):
    def estimate(**changes):
        return printed(capsys, runs.print_estimate, estimated(**changes))

    assert estimate().splitlines() == [
        "15 runs: 3 already trained, 12 to train, 2 at a time",
        "About 2 min, estimated from earlier runs",
    ]
    assert "cannot be estimated" in estimate(unknown=12, seconds=0)
    assert "not counting 4 runs of heads that have no earlier run" in estimate(unknown=4)
    assert "only after the corpus is embedded" in estimate(corpus=None, done=0)
    assert estimate(done=15).count("\n") == 1


def test_lines_are_not_wrapped_in_a_pipe(monkeypatch, capsys):
    monkeypatch.setattr(console, "_width", 60)
    out = printed(capsys, encoders.print_encoders, encoder_list())
    assert max(map(len, out.splitlines())) > 80


def test_counts_are_singular_or_plural():
    assert format_count(1, "sentence") == "1 sentence"
    assert format_count(1234, "sentence") == "1,234 sentences"
    assert format_count(0, "boundary", "boundaries") == "0 boundaries"


def test_embedding_reports_only_what_happened(capsys):
    everything = embedded(encoded=3000, cached=600, truncated=1, headings_removed=2)
    out = printed(capsys, corpus.print_embedded, everything)
    assert "3,000 encoded, 600 already stored (12.3 s)\n" in out
    assert "Paragraphs begin at: indented lines (see --boundary)\n" in out
    assert "truncated 1 sentence to" in out
    assert "2 headings removed" in out
    out = printed(capsys, corpus.print_embedded, embedded(encoded=3600, cached=0))
    assert "3,600 encoded (12.3 s)\n" in out
    assert "truncated" not in out
    assert "removed" not in out
    out = printed(capsys, corpus.print_embedded, embedded(encoded=0, cached=3600))
    assert "all already stored (12.3 s)\n" in out
    several = embedded(boundaries_read={"indent": 2, "blank": 1})
    out = printed(capsys, corpus.print_embedded, several)
    assert "at: indented lines or lines after a blank line, depending on the document (see" in out


def test_a_sweep_reports_only_what_happened(capsys):
    assert "5 runs: 3 trained, 2 reused\n" in printed(capsys, runs.print_sweep, swept())
    failed = failed_trial({"head": "mlp", "seed": 1})
    content = swept(trials=1, done_now=0, done_before=0, systems=[], failed=[failed])
    out = printed(capsys, runs.print_sweep, content)
    assert out == "Failed: mlp, seed 1: out of memory\n1 run: 1 failed\n"


def test_a_failed_trial_is_distinguished_from_the_systems(capsys):
    (system,) = swept()["systems"]
    options = {"head": "mlp", "window": 2, "learning_rate": 1e-3}
    system |= {"options": options}
    faster = failed_trial(options | {"learning_rate": 1e-2, "seed": 1})
    out = printed(capsys, runs.print_sweep, swept(systems=[system], failed=[faster]))
    assert "\nmlp, window 2, learning rate 0.001\n" in out
    assert "Failed: mlp, window 2, learning rate 0.01, seed 1: out of memory\n" in out
    other = failed_trial(options | {"seed": 1}, encoder="ginza", pooling="sif")
    out = printed(capsys, runs.print_sweep, swept(systems=[system], failed=[other]))
    assert "\nmlp, window 2, e5-small:7+surface\n" in out
    assert "Failed: mlp, window 2, ginza sif, seed 1: out of memory\n" in out
    latest = failed_trial(options | {"seed": 1})
    out = printed(capsys, runs.print_sweep, swept(systems=[system], failed=[latest]))
    assert "\nmlp, window 2\n" in out
    assert "Failed: mlp, window 2, seed 1: out of memory\n" in out


def test_a_system_shows_how_many_runs_predict_a_single_class(capsys):
    (system,) = swept()["systems"]
    out = printed(capsys, runs.print_sweep, swept(systems=[system | {"collapsed": 2}]))
    assert "2 of 5 runs predict a single class" in out
    assert "at threshold 0.5" not in out
    out = printed(capsys, runs.print_sweep, swept(systems=[system | {"nowhere_at_half": 1}]))
    assert "1 of 5 runs predicts no boundaries at threshold 0.5" in out


@pytest.mark.parametrize("collapsed", [True, False])
def test_a_run_that_predicts_a_single_class_gets_one_warning(capsys, collapsed):
    half = {"collapsed": True}
    out = printed(capsys, training.print_run, trained(collapsed=collapsed, dev_at_half=half))
    assert out.count("Warning: ") == 1
    assert ("at threshold 0.5" in out) != collapsed
    assert "Warning" not in printed(capsys, training.print_run, trained())


def test_a_run_that_is_no_better_than_the_trivial_baseline_gets_a_warning(capsys):
    f1 = trained()["dev"]["f1"]
    useless = trained(dev_baseline=f1, is_useful=False)
    out = printed(capsys, training.print_run, useless)
    assert f"no better than a boundary before every sentence (F1 {f1:.3f})" in " ".join(out.split())
    useful = trained(dev_baseline=f1 - 0.01, is_useful=True)
    assert "Warning" not in printed(capsys, training.print_run, useful)
    out = printed(capsys, training.print_run, {**useless, "collapsed": True})
    assert out.count("Warning: ") == 1


def test_a_comparison_names_the_better_run(capsys):
    out = printed(capsys, comparison.print_comparison, compared())
    assert "F1: local-transformer-w32-001 is significantly better" in out
    assert "Pk: no significant difference" in out
    assert "10,000 resamples of 12 documents\n" in out
    worse = compared()
    worse["f1"]["difference"] = -0.1
    out = printed(capsys, comparison.print_comparison, worse)
    assert "F1: document-bilstm-001 is significantly better" in out


def test_restorable_and_lost_values_are_distinguished(capsys):
    lines = printed(capsys, store.print_verified, store_verified()).splitlines()
    assert [line for line in lines if line.endswith("can be restored.")] == [
        "e5-small:7 (01234567): index of rows 0 to 1,023: the key is damaged but can be restored.",
        "e5-small:7 (01234567): the description is damaged but can be restored.",
        "The header of the store is damaged but can be restored.",
    ]
    assert "3.0 MB belong to no encoder, because a description was lost" in "\n".join(lines)


def test_a_sound_store_is_reported_as_sound(capsys):
    sound = {"sound": True, "damage": [], "bytes_unreachable": 0}
    assert "The store is sound." in printed(capsys, store.print_verified, store_verified(**sound))
    out = printed(capsys, store.print_repaired, store_repaired(**sound))
    assert out == "The store is sound. It was not changed.\n"
    kept = store_repaired(spaces=[], damage=store_verified()["damage"][2:3], bytes_unreachable=0)
    assert "No vector was lost." in printed(capsys, store.print_repaired, kept)


def test_a_dry_run_prints_what_would_be_removed(capsys):
    shown = printed(capsys, store.print_garbage, store_garbage(removed=False))
    assert shown.count("Would remove") == 4
    assert "Removed" not in shown
    empty = store_garbage(spaces=[], vectors=[], texts=0, bytes_unreachable=0)
    assert printed(capsys, store.print_garbage, empty) == "There is nothing to remove.\n"
    spaces_only = printed(capsys, store.print_garbage, store_garbage(vectors=[], texts=0))
    assert "until you run segtool store compact" in spaces_only


def test_properties_that_an_early_version_did_not_write_are_unknown(capsys):
    names = ("source", "embedded", "sentence rule", "headings removed")
    early = corpus_content(**dict.fromkeys(name.replace(" ", "_") for name in names))
    lines = printed(capsys, corpora.print_corpus, early).splitlines()
    for name in names:
        (line,) = (line for line in lines if line.startswith(name))
        assert line.removeprefix(name).strip() == "unknown"


def test_the_corpora_that_use_vectors_are_named(capsys):
    out = printed(capsys, store.print_info, store_info())
    assert "e5-small:7 (01234567): used by novels, stories\n" in out
    assert "20.0 MB, of which 12.0 MB are in use and 8.0 MB are free\n" in out
