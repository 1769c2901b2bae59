"""`embed_on_cluster` and `segtool embed --engine ray` give the same store as one process."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest

from embedcache import UserError, normalize, sentence_ids
from embedcache.folder_lock import folder_lock
from embedcache.shards.plan import Sizes
from segclf import Workspace, embed
from segclf.tasks.embed_on_cluster import embed_on_cluster
from tests.conftest import HANG, STORIES, SURFACE
from tests.segtool.texts import mistake

SPEED = ("seconds", "reading_seconds", "encoding_seconds", "writing_seconds")


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """A workspace in which one process has embedded the stories, and the report."""
    workspace = Workspace(tmp_path_factory.mktemp("alone"))
    return workspace, embed(STORIES, workspace, encoder_name="surface").to_dict()


def records(workspace, name):
    """Return the header of a corpus without its name, its path and its time, and its documents."""
    header, *documents = (workspace.corpora / f"{name}.jsonl").read_text().splitlines()
    own = ("name", "source", "embedded", "checksum")  # which covers the time
    return {key: value for key, value in json.loads(header).items() if key not in own}, documents


def check_same(workspace, alone, name=None):
    """Check that a workspace has the same vectors and the same corpus as another one."""
    (own,) = alone.corpus_names()
    assert records(workspace, name or own) == records(alone, own)
    stored = alone.load_corpus()
    ids = sentence_ids(stored.corpus.sentences)
    (encoder,) = stored.encoders
    for fingerprint in encoder.fingerprint.split("+"):
        spaces = [each.store().space(fingerprint) for each in (workspace, alone)]
        assert spaces[0].info().rows == spaces[1].info().rows
        assert np.array_equal(spaces[0].vectors(ids), spaces[1].vectors(ids))
        truncated = [space.find(ids) >> 62 for space in spaces]
        assert np.array_equal(*truncated)
        assert spaces[0].precisions(ids) == spaces[1].precisions(ids)


def without_times(report):
    return {key: value for key, value in report.items() if key not in (*SPEED, "shards")}


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize(
    "sizes",
    [
        None,
        Sizes(group_bytes=1, partition_bytes=10**9, shard_rows=100),
        Sizes(group_bytes=50_000, partition_bytes=20_000, shard_rows=1000),
    ],
)
def test_workers_and_blocks_do_not_change_the_result(local_ray, tmp_path, alone, workers, sizes):
    workspace = Workspace(tmp_path)
    done = embed_on_cluster(
        STORIES, workspace, encoder_name="surface", workers=workers, sizes=sizes
    ).to_dict()
    assert without_times(done) == without_times(alone[1])
    check_same(workspace, alone[0])
    assert not list(tmp_path.glob("jobs/*"))
    again = embed_on_cluster(STORIES, workspace, encoder_name="surface", workers=workers)
    assert (again.report.encoded, again.report.cached) == (0, done["unique"])


def test_parts_of_a_joined_encoder_have_their_own_vectors(local_ray, tmp_path):
    for name, function in (("a", embed), ("b", embed_on_cluster)):
        function(STORIES / "eki.txt", Workspace(tmp_path / name), encoder_name="ginza+surface")
    check_same(Workspace(tmp_path / "b"), Workspace(tmp_path / "a"))


def test_texts_are_kept(local_ray, tmp_path, alone):
    workspace = Workspace(tmp_path)
    embed_on_cluster(STORIES, workspace, encoder_name="surface", keep_text=True)
    check_same(workspace, alone[0])
    sentences = [normalize(text) for text in alone[0].load_corpus().corpus.sentences]
    texts = workspace.store().texts()
    assert texts.find(sentence_ids(sentences)) == sentences
    assert texts.size()[0] == len(set(sentences))


def test_only_sentences_that_the_store_lacks_are_encoded(local_ray, tmp_path, alone):
    workspace = Workspace(tmp_path)
    embed(STORIES / "eki.txt", workspace, encoder_name="surface")
    before = workspace.store().spaces()[0].rows
    done = embed_on_cluster(STORIES, workspace, encoder_name="surface")
    assert done.report.cached == before
    check_same(workspace, alone[0])


def test_kept_shards_can_be_merged_elsewhere(local_ray, tmp_path, alone, segtool):
    workspace = Workspace(tmp_path / "work")
    sizes = Sizes(10**6, 10**6, shard_rows=500)
    shards = tmp_path / "shards"
    done = embed_on_cluster(
        STORIES, workspace, encoder_name="surface", shards=f"file://{shards}", sizes=sizes
    )
    assert done.shards.startswith(f"file://{shards}/stories-")
    (folder,) = shards.iterdir()
    assert {path.name for path in folder.iterdir()} == {"manifest.json", "shards"}
    assert len(json.loads((folder / "manifest.json").read_text())["shards"]) == 5
    merged = segtool(tmp_path, "store", "merge", str(folder), "--workspace", "other", "--json")
    assert json.loads(merged.stdout)["spaces"][0]["rows"] == done.report.unique
    check_same(workspace, alone[0])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"workers": 3}, r"--workers 3: .* too few CPUs \(total: 2, .* worker: 1"),
        (
            {"workers": 2, "threads": 2},
            r"--workers 2 --threads 2: .* too few CPUs \(total: 2, .* worker: 2",
        ),
        ({"workers": 0}, "--workers 0: use 1 or more"),
        ({"gpus_per_worker": 0.5}, r"--workers 1: .* too few GPUs \(total: 0, .* worker: 0.5"),
        ({"encoder_name": "ginza", "pooling": "sif"}, "--pooling sif needs the whole train split"),
    ],
)
def test_mistakes_are_reported_and_change_nothing(local_ray, tmp_path, options, message):
    with pytest.raises(UserError, match=message):
        embed_on_cluster(STORIES, Workspace(tmp_path), **{"encoder_name": "surface"} | options)
    assert not list(tmp_path.iterdir())


def test_an_invalid_split_is_reported_before_anything_is_encoded(local_ray, tmp_path):
    workspace = Workspace(tmp_path)
    with pytest.raises(UserError, match="--split half"):
        embed_on_cluster(STORIES, workspace, encoder_name="surface", split="half")
    assert not workspace.has_store()
    assert not list(tmp_path.rglob("shards"))


def test_the_same_job_does_not_run_twice_at_once(local_ray, tmp_path):
    workspace, shards = Workspace(tmp_path / "work"), tmp_path / "shards"
    embed_on_cluster(STORIES, workspace, encoder_name="surface", shards=str(shards))
    (folder,) = shards.iterdir()
    with folder_lock(folder), pytest.raises(UserError, match="another process is running"):
        embed_on_cluster(STORIES, workspace, encoder_name="surface", shards=str(shards))


def test_an_unreadable_file_is_reported_as_by_one_process(local_ray, tmp_path):
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts/a.txt").write_bytes(bytes(range(256)) * 9)
    messages = []
    for function in (embed, embed_on_cluster):
        with pytest.raises(UserError) as caught:
            function(tmp_path / "texts", Workspace(tmp_path / "w"), encoder_name="surface")
        messages.append(str(caught.value))
    assert messages[0] == messages[1]


@pytest.mark.parametrize("names", [("a.txt",), ("a.txt", "b.txt")])
def test_empty_files_are_reported_as_by_one_process(local_ray, tmp_path, names):
    (tmp_path / "texts").mkdir()
    for name in names:
        (tmp_path / "texts" / name).touch()
    messages = []
    for function in (embed, embed_on_cluster):
        workspace = Workspace(tmp_path / "w")
        with pytest.raises(UserError) as caught:
            function(tmp_path / "texts", workspace, encoder_name="surface", strict=False)
        messages.append(str(caught.value))
    assert messages[0] == messages[1]


def test_the_same_files_are_skipped_as_by_one_process(local_ray, tmp_path):
    texts = tmp_path / "texts"
    shutil.copytree(STORIES, texts)
    (texts / "broken.txt").symlink_to("nowhere")
    (texts / "empty.txt").touch()
    (texts / "image.txt").write_bytes(b"\xff\xd8\xff")
    skipped = []
    for number, function in enumerate((embed, embed_on_cluster)):
        workspace = Workspace(tmp_path / f"{number}")
        done = function(texts, workspace, encoder_name="surface", strict=False)
        skipped.append(done.to_dict()["skipped"])
    assert len(skipped[0]) == 3
    assert skipped[0] == skipped[1]


def test_a_machine_without_the_package_is_named(local_ray, tmp_path):
    from embedcache.cluster.connection import alive_nodes, check_nodes
    from embedcache.shards.storage import Storage

    nodes = alive_nodes(local_ray)
    with pytest.raises(UserError, match="lacks x_y_z: run pip install"):
        check_nodes(local_ray, nodes, Storage.at(tmp_path), ["embedcache", "x_y_z"], "")


def test_a_folder_that_a_machine_cannot_access_is_named(local_ray):
    from embedcache.cluster.connection import alive_nodes, check_nodes
    from embedcache.shards.storage import Storage

    # the memory of this process, to which no worker has access
    nodes, storage = alive_nodes(local_ray), Storage.at("memory://job")
    with pytest.raises(UserError, match="has no access to memory://job: use another one"):
        check_nodes(local_ray, nodes, storage, ["embedcache"], "use another one")


def test_the_three_commands_of_the_readme(tmp_path, alone, segtool):
    embedded = segtool(tmp_path, "embed", str(STORIES), *SURFACE, "--engine", "ray", "--json")
    assert embedded.returncode == 0, embedded.stderr
    assert embedded.stderr == ""
    assert without_times(json.loads(embedded.stdout)) == without_times(alone[1])
    check_same(Workspace(tmp_path / ".segtool"), alone[0])
    for command in (["train", "--head", "bilstm", "--window", "4"], ["eval"]):
        done = segtool(tmp_path, *command)
        assert done.returncode == 0, done.stderr


def test_two_nodes_store_the_same_corpus_and_vectors(tmp_path, alone, segtool, two_nodes):
    address = ["--engine", "ray", "--address", two_nodes.address, "--workers", "2"]
    done = segtool(tmp_path, "embed", str(STORIES / "*.txt"), *SURFACE, *address, "--name", "x")
    assert done.returncode == 0, done.stderr
    assert "2,099 sentences (2,094 distinct): 2,094 encoded" in done.stdout
    check_same(Workspace(tmp_path / ".segtool"), alone[0], "x")


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("127.0.0.1:1", "no connection to a Ray cluster"),
        ("ray://127.0.0.1:1", "no connection to a Ray cluster"),
        ("nonsense", "use auto, HOST:PORT or ray://HOST:PORT"),
    ],
)
def test_an_address_without_a_cluster_is_reported(tmp_path, segtool, address, message):
    command = ["embed", str(STORIES), *SURFACE, "--engine", "ray", "--address", address]
    done = segtool(tmp_path, *command, timeout=HANG)
    assert f"--address {address}: {message}" in mistake(done)
    assert not list(tmp_path.iterdir())


OTHER_VERSION = """
import sys, ray
ray.__version__ = "2.1.0"
from segtool.app import main
main()
"""


def test_another_version_of_ray_is_reported(tmp_path, two_nodes):
    command = [sys.executable, "-c", OTHER_VERSION, "embed", str(STORIES), *SURFACE]
    options = ["--engine", "ray", "--address", two_nodes.address]
    done = subprocess.run([*command, *options], cwd=tmp_path, capture_output=True, text=True)
    assert "use the same versions of Ray and Python everywhere" in mistake(done)
    assert "2.1.0" in done.stderr
