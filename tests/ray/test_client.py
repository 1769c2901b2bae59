"""`--address ray://HOST:PORT`: a process that is not on a machine of the cluster."""

import json
import socket

import pytest

from tests.conftest import HANG, STORIES
from tests.ray.conftest import OBJECT_STORE
from tests.segtool.texts import mistake


@pytest.fixture
def addresses(monkeypatch):
    """Address of the client server of a cluster, and address of the cluster."""
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("RAY_CLIENT_SERVER_CHECK_CHANNEL_TIMEOUT_S", str(HANG))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    head = {"num_cpus": 2, "include_dashboard": False, "ray_client_server_port": port}
    cluster = Cluster(initialize_head=True, head_node_args=head | OBJECT_STORE)
    yield f"ray://{cluster.head_node.node_ip_address}:{port}", f"ray://{cluster.address}"
    cluster.shutdown()


def test_a_client_embeds_sweeps_and_trains(addresses, tmp_path, segtool):
    right, wrong = (["--engine", "ray", "--address", address] for address in addresses)
    head = ["--head", "mlp", "--window", "1"]

    def run(*command):
        done = segtool(tmp_path, *command, *right, "--json", timeout=HANG)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    embedded = run("embed", str(STORIES), "--encoder", "surface", "--split", "80/10/10")
    assert embedded["encoded"] == embedded["unique"]
    assert run("sweep", *head, "--seed", "0", "--set", "epochs=1")["done_now"] == 1
    assert run("train", *head, "--epochs", "1", "--workers", "2")["workers"] == 2
    refused = segtool(tmp_path, "train", *wrong, timeout=HANG)
    assert "give the port of its client server, 10001 by default" in mistake(refused)
