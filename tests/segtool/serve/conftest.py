"""A server, and requests to it."""

import http.client
import json
import shutil
from urllib.parse import urlsplit

import pytest

from tests.conftest import serving


class Client:
    """Requests to a server, with any headers."""

    def __init__(self, url):
        self.url = url
        self.host = urlsplit(url).netloc

    def send(self, method, path, body=None, **headers):
        connection = http.client.HTTPConnection(self.host, timeout=600)
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, names)
        response = connection.getresponse()
        data = response.read()
        connection.close()
        return response, data

    def get(self, path, **headers):
        return self.send("GET", path, **headers)

    def post(self, path, body):
        response, data = self.send("POST", path, json.dumps(body), Content_Type="application/json")
        return response.status, data

    def ask(self, path, body):
        status, data = self.post(path, body)
        assert status == 200, data
        return json.loads(data)

    def refused(self, path, body):
        status, data = self.post(path, body)
        assert status == 422
        detail = json.loads(data)["detail"]
        assert "\n" not in detail
        return detail


@pytest.fixture(scope="session")
def served(first_trained, tmp_path_factory):
    """A copy of the folder with the trained example, for a server."""
    return shutil.copytree(first_trained, tmp_path_factory.mktemp("served") / "copy")


@pytest.fixture(scope="session")
def client(served):
    """A client of a server in the folder `served`."""
    with serving(served) as url:
        yield Client(url)
