"""Garbage collection removes nothing that a corpus of the workspace uses."""

import json
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedcache import UserError, encode_sentences, sentence_ids
from segclf import TrainingOptions, Workspace, embed, train
from segclf.corpus import ReadOptions
from segclf.tasks.garbage import collect_garbage
from tests.conftest import ROOT, STORIES, HashEncoder

LINES = ReadOptions(sentences="line", boundary="line")


def embed_lines(workspace, name, lines):
    path = workspace.path.parent / f"{name}.txt"
    path.write_text("".join(f"{line}\n" for line in lines))
    return embed(path, workspace, encoder_name="surface", options=LINES, split="train").encoder


def add_space(workspace, name, sentences):
    encoder = HashEncoder(name=name)
    encode_sentences(sentences, encoder, workspace.store(create=True))
    return encoder.fingerprint


def stored(workspace, fingerprint, sentences):
    """Return which of the sentences have a vector."""
    space = workspace.store().space(fingerprint)
    present = space.contains(sentence_ids(sentences))
    return {sentence for sentence, is_present in zip(sentences, present, strict=True) if is_present}


def names_of(workspace):
    return [info.name for info in workspace.store().spaces()]


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path / "w")


WORDS = [f"{letter}{number}。" for letter in "abc" for number in range(40)]


def test_a_space_is_unused_if_no_corpus_and_no_run_uses_it(workspace):
    embed(STORIES, workspace, encoder_name="surface")
    train(workspace, TrainingOptions(head="mlp", window=1, epochs=1))
    (record,) = workspace.runs.glob("*/run.json")
    content = json.loads(record.read_text())
    content["encoder"]["fingerprint"] = add_space(workspace, "of a run", WORDS)
    del content["checksum"]
    record.write_text(json.dumps(content))
    unused = add_space(workspace, "unused", WORDS)
    shown = collect_garbage(workspace, unused=True, dry_run=True)
    assert [info.fingerprint for info in shown.spaces] == [unused]
    assert names_of(workspace) == ["surface", "of a run", "unused"]
    assert collect_garbage(workspace, unused=True) == shown
    assert names_of(workspace) == ["surface", "of a run"]
    assert collect_garbage(workspace, unused=True).spaces == ()


def test_spaces_are_removed_by_name_or_fingerprint(workspace):
    for name in ("x", "y", "z"):
        add_space(workspace, name, WORDS)
    z = workspace.store().spaces()[2].fingerprint
    garbage = collect_garbage(workspace, encoders=["x", z[:8]])
    assert [info.name for info in garbage.spaces] == ["x", "z"]
    assert names_of(workspace) == ["y"]


def test_an_ambiguous_or_unknown_encoder_is_refused(workspace):
    add_space(workspace, "x", WORDS)
    encode_sentences(WORDS, HashEncoder(dim=8, name="x"), workspace.store())
    fingerprints = [info.fingerprint for info in workspace.store().spaces()]
    with pytest.raises(UserError, match="2 spaces have the encoder x: choose") as caught:
        collect_garbage(workspace, encoders=["x"])
    assert all(fingerprint in str(caught.value) for fingerprint in fingerprints)
    for unknown in ("y", fingerprints[0][:7]):
        with pytest.raises(UserError, match=r"no space of .*; it has: x"):
            collect_garbage(workspace, encoders=[fingerprints[0], unknown])
    with pytest.raises(UserError, match="choose what to remove"):
        collect_garbage(workspace)
    assert len(workspace.store().spaces()) == 2


@settings(max_examples=6)
@given(
    corpora=st.lists(st.lists(st.sampled_from(WORDS), min_size=3, max_size=60), max_size=3),
    options=st.fixed_dictionaries({"unused": st.booleans(), "sentences": st.just(True)}),
)
def test_no_vector_that_a_corpus_uses_is_removed(tmp_path_factory, corpora, options):
    workspace = Workspace(tmp_path_factory.mktemp("g") / "w")
    other = add_space(workspace, "other", WORDS)
    surface = embed_lines(workspace, "all", WORDS).fingerprint
    for number, lines in enumerate(corpora):
        embed_lines(workspace, str(number), lines)
    (workspace.corpora / "all.jsonl").unlink()
    before = workspace.store().vectors(surface, sentence_ids(WORDS))
    collect_garbage(workspace, **options)
    used = {word for lines in corpora for word in lines}
    fingerprints = {info.fingerprint for info in workspace.store().spaces()}
    assert (other in fingerprints) == (not options["unused"])
    assert (surface in fingerprints) == bool(corpora or not options["unused"])
    for fingerprint in fingerprints:
        assert stored(workspace, fingerprint, WORDS) == used
    if used:
        positions = [position for position, word in enumerate(WORDS) if word in used]
        kept = workspace.store().vectors(surface, sentence_ids(WORDS[i] for i in positions))
        assert np.array_equal(kept, before[positions])


@pytest.mark.parametrize("file", ["corpora/a.jsonl", "runs/r/run.json"])
@pytest.mark.parametrize("content", ["", '{"format": 99}'])
def test_nothing_is_removed_if_a_corpus_or_a_run_cannot_be_read(workspace, file, content):
    embed_lines(workspace, "a", WORDS)
    add_space(workspace, "unused", WORDS)
    (workspace.runs / "r").mkdir(parents=True)
    (workspace.path / file).write_text(content)
    with pytest.raises(UserError, match=r"damaged|upgrade segtool"):
        collect_garbage(workspace, unused=True, sentences=True)
    assert names_of(workspace) == ["surface", "unused"]


EMBED_SLOWLY = """
import sys
from segclf import Workspace
with Workspace(sys.argv[1]).embedding():
    print("embedding", flush=True)
    sys.stdin.read()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot lock a folder")
def test_files_of_killed_processes_are_removed_even_if_no_vector_is(workspace):
    embed_lines(workspace, "a", WORDS)
    leftover = workspace.store_path() / ".0123.scratch"  # as after a kill at the end of a removal
    leftover.mkdir()
    collect_garbage(workspace, sentences=True, dry_run=True)
    assert leftover.exists()
    collect_garbage(workspace, sentences=True)
    assert not leftover.exists()


def test_nothing_is_removed_while_a_corpus_is_embedded(workspace):
    add_space(workspace, "unused", WORDS)
    command = [sys.executable, "-c", EMBED_SLOWLY, str(workspace.path)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=ROOT, **pipes) as embedding:
        assert embedding.stdout.readline() == "embedding\n"
        with pytest.raises(UserError, match="another process is embedding a corpus"):
            collect_garbage(workspace, unused=True)
        embedding.kill()
    assert len(collect_garbage(workspace, unused=True).spaces) == 1
