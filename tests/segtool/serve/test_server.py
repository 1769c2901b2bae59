"""The server of `segtool serve`: accepted and refused requests, and its end."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from embedcache import UserError
from segclf import Workspace
from segclf.tasks.models import Compute
from segclf.tasks.segment_options import SegmentOptions
from segtool.serve.guard import Guard
from segtool.serve.server import serve
from segtool.serve.session import Session
from tests.conftest import HANG, ROOT
from tests.segtool.serve.test_api import RUN, TEXT


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},  # its name resolves to this computer: DNS rebinding
        {"Host": "evil.example:80"},
        {"Host": "localhost.evil.example"},
        {"Host": "[::1"},
        {"Host": "192.168.0.7"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:1"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ],
)
def test_other_websites_are_refused(client, headers):
    for method, path in (("GET", "/api/models"), ("POST", "/api/segment")):
        response, data = client.send(method, path, **headers)
        assert response.status == 403
        assert "models" not in json.loads(data)


def test_the_page_itself_and_programs_are_accepted(client):
    port = urlsplit(client.url).port
    for name in ("127.0.0.1", "localhost", "LOCALHOST", "[::1]"):
        host = f"{name}:{port}"
        for headers in ({}, {"Origin": f"http://{host}"}, {"Sec_Fetch_Site": "same-origin"}):
            response, _ = client.get("/api/models", Host=host, **headers)
            assert response.status == 200


def test_every_response_has_strict_headers(client):
    for path in ("/", "/assets/main.js", "/api/models", "/openapi.json", "/nothing"):
        headers = client.get(path)[0].headers
        policy = dict(
            part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";")
        )
        assert policy["default-src"] == "'none'"
        assert set(policy.values()) <= {"'none'", "'self'"}
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    refused = client.get("/", Host="evil.example")[0]
    assert refused.headers["Content-Security-Policy"]


def test_nothing_is_loaded_from_elsewhere(client):
    sources = []

    class Page(HTMLParser):
        def handle_starttag(self, tag, attributes):
            sources.extend(value for name, value in attributes if name in ("src", "href"))
            assert not [name for name, _ in attributes if name.startswith("on") or name == "style"]

    Page().feed(client.get("/")[1].decode())
    assert len(sources) > 4
    for source in sources:
        assert source.startswith(("/", "#"))
        if source.startswith("/"):
            assert client.get(source)[0].status == 200
    for folder in ("segtool/serve", "segclf/report"):
        for path in (ROOT / folder / "assets").iterdir():
            text = path.read_text(encoding="utf-8")
            assert "@import" not in text
            assert "url(" not in text
    assert client.get("/docs")[0].status == 404
    assert client.get("/redoc")[0].status == 404


@pytest.mark.parametrize(
    "name", ["../app.py", "..%2fapp.py", "%2e%2e%2fapp.py", "/etc/passwd", "x%00.js", "report.css"]
)
def test_only_assets_are_files_of_the_server(client, name):
    response, data = client.get(f"/assets/{name}")
    assert response.status == 404
    assert b"root" not in data


def test_the_api_is_described(client):
    described = json.loads(client.get("/openapi.json")[1])
    assert described["openapi"].startswith("3.")
    paths = ("segment", "segment/stream", "explain", "write", "read", "models", "adapt")
    assert set(described["paths"]) == {f"/api/{path}" for path in paths}
    schema = described["components"]["schemas"]["SegmentBody"]["properties"]
    assert {"text", "model", "threshold"} <= schema.keys()


def test_large_bodies_are_refused_before_they_are_read(client):
    host, port = client.host.split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(
            f"POST /api/segment HTTP/1.1\r\nHost: {client.host}\r\n"
            "Content-Type: application/json\r\nContent-Length: 999999999\r\n\r\n".encode()
        )
        assert connection.recv(99).startswith(b"HTTP/1.1 413")
    chunk = b"a" * (1 << 20)
    try:
        status = client.send("POST", "/api/read", iter([chunk] * 40))[0].status
    except OSError:  # the server closed the connection before all was sent
        status = 413
    assert status == 413


def test_the_time_of_a_request_is_limited(served):
    session = Session(Workspace(served / ".segtool"), Compute(), seconds=0)
    read = session.read(TEXT, RUN, SegmentOptions())
    with pytest.raises(UserError, match="longer than 0 seconds"):
        list(session.segment(read))


def test_a_running_request_ends_when_the_server_stops(served):
    session = Session(Workspace(served / ".segtool"), Compute(), seconds=600)
    parts = session.segment(session.read(TEXT, RUN, SegmentOptions()))
    next(parts)
    session.stopping.set()
    with pytest.raises(UserError, match="stopped"):
        next(parts)


@pytest.mark.parametrize("options", [{}, {"max_length": 4}, {"paragraphs": 3}])
def test_other_requests_are_computed_while_a_response_is_sent(served, options):
    session = Session(Workspace(served / ".segtool"), Compute(), seconds=600)
    parts = session.segment(session.read(TEXT, RUN, SegmentOptions(**options)))
    next(parts)
    assert not session._computing.locked()


def test_few_models_stay_in_memory(served):
    session = Session(Workspace(served / ".segtool"), Compute(), seconds=600)
    for name in (None, "european", "japanese", RUN):
        session._segmenter(name)
    assert [name for name, _ in session._segmenters] == ["european", "japanese", RUN]
    first = session._segmenter("european")
    session._segmenter(None)
    assert session._segmenter("european") is first


@pytest.mark.parametrize(
    ("given", "address", "host", "status"),
    [
        ("0.0.0.0", "0.0.0.0", "192.168.0.7:8750", 200),
        ("0", "0.0.0.0", "192.168.0.7:8750", 200),
        ("0.0.0.0", "0.0.0.0", "[fe80::1]:8750", 200),
        ("::0", "::", "[fe80::1]:8750", 200),
        ("0.0.0.0", "0.0.0.0", f"{socket.gethostname()}:8750", 200),
        ("0.0.0.0", "0.0.0.0", "evil.example:8750", 403),
        ("192.168.0.7", "192.168.0.7", "192.168.0.7:8750", 200),
        ("192.168.0.7", "192.168.0.7", "192.168.0.8:8750", 403),
        ("here.example", "192.168.0.7", "here.example:8750", 200),
        ("here.example", "192.168.0.7", "192.168.0.7:8750", 200),
        ("FE80:0:0:0:0:0:0:1", "fe80::1", "[fe80::1]:8750", 200),
    ],
)
def test_a_server_on_another_address_has_its_names(given, address, host, status):
    sent = []

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200})

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "path": "/", "headers": [(b"host", host.encode())]}
    asyncio.run(Guard(app, given, address, 1)(scope, None, send))
    assert sent[0]["status"] == status


def test_without_a_workspace_adapted_models_are_kept_in_a_temporary_one(tmp_path):
    session = Session(Workspace(tmp_path / "none"), Compute(), seconds=600)
    made = session._writable_workspace()
    assert session.is_temporary
    assert session.workspace is made
    assert made.path.is_dir()
    assert made.path.parent != tmp_path
    made.path.rmdir()
    (tmp_path / "some").mkdir()
    session = Session(Workspace(tmp_path / "some"), Compute(), seconds=600)
    assert session._writable_workspace().path == tmp_path / "some"
    assert not session.is_temporary


@pytest.mark.parametrize("host", ["no-such-host.invalid", "192.0.2.1"])
def test_a_host_that_is_not_this_computer_is_a_clear_error(host):
    session = Session(Workspace("work"), Compute(), seconds=600)
    with pytest.raises(UserError, match=f"{host}: .*: choose an address of this computer"):
        serve(session, host, 0, open_page=False)


def test_an_empty_host_is_refused():
    session = Session(Workspace("work"), Compute(), seconds=600)
    with pytest.raises(UserError, match="--host is empty"):
        serve(session, "", 0, open_page=False)


def test_a_port_that_is_in_use_is_a_clear_error(client, segtool, tmp_path):
    port = str(urlsplit(client.url).port)
    done = segtool(tmp_path, "serve", "--no-browser", "--port", port)
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: port {port} of 127.0.0.1 cannot be used (")
    assert "choose another --port" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_missing_extra_is_one_clear_line():
    script = (
        "import sys; sys.modules['uvicorn'] = None; sys.argv = ['segtool', 'serve'];"
        "from segtool.app import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 2
    assert done.stderr == "error: the page needs uvicorn: run pip install 'segtool[serve]'\n"


def test_a_server_that_others_can_reach_warns_and_the_page_is_opened(tmp_path):
    opened = tmp_path / "opened"
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {opened}\n')
    browser.chmod(0o755)
    command = [str(Path(sys.executable).parent / "segtool"), "serve", "--port", "0"]
    with subprocess.Popen(
        [*command, "--host", "0.0.0.0"],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        env=os.environ | {"BROWSER": str(browser)},
    ) as process:
        lines = [process.stderr.readline(), process.stderr.readline()]
        deadline = time.monotonic() + HANG
        while not opened.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
    assert lines[0].startswith("warning: anyone who can reach 0.0.0.0 can use this server")
    assert "(press Ctrl-C to stop)" in lines[1]
    assert opened.read_text().startswith("http://")
