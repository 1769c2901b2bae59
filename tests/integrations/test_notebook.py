"""The notebook of the tutorial, run by Jupyter's own client, from its first cell to its last."""

import json
import os
import re
import socket
import sys
import threading
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

from tests.notebook import NOTEBOOK

SERVE = "!segtool serve"


def ask(url, body):
    request = Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urlopen(request) as response:
        return json.load(response)


def correct(url, text):
    """Correct two boundaries and train from them, as one does on the page."""
    while True:
        try:
            urlopen(url).close()
            break
        except URLError:
            time.sleep(0.2)
    found = ask(f"{url}/api/segment", {"text": text, "model": "mlp-w4-001"})["sentences"]
    labels = [int(one["boundary"]) for one in found]
    labels[3:5] = [1 - label for label in labels[3:5]]
    sentences = [one["text"] for one in found]
    body = {"texts": [{"sentences": sentences, "labels": labels}], "model": "mlp-w4-001"}
    assert ask(f"{url}/api/adapt", body)["run"] == "mlp-w4-002"


def test_every_cell_runs_in_a_new_folder(tmp_path, monkeypatch):
    import nbformat
    from nbclient import NotebookClient
    from nbclient.util import run_sync

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    monkeypatch.setenv("TMPDIR", str(tmp_path))  # in which the first cell makes a folder
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    (serve,) = [cell for cell in cells if cell.source == SERVE]
    for cell in cells:  # Jupyter goes on after a command that fails
        cell.source = re.sub(r"^(!.*)$", r"\1\nassert _exit_code == 0", cell.source, flags=re.M)
    serve.source = f"{SERVE} --no-browser --port {port}"
    failures = []

    def correct_and_interrupt():
        try:
            (new,) = tmp_path.glob("*/new.txt")
            correct(f"http://127.0.0.1:{port}", new.read_text(encoding="utf-8"))
        except Exception as error:
            failures.append(error)
        run_sync(client.km.interrupt_kernel)()

    def on_cell(cell, cell_index):
        if cell is serve:
            threading.Thread(target=correct_and_interrupt).start()

    client = NotebookClient(
        notebook,
        timeout=None,
        resources={"metadata": {"path": str(NOTEBOOK.parent)}},
        on_cell_execute=on_cell,
    )
    client.execute()
    assert failures == []
    (new,) = tmp_path.glob("*/new.txt")
    (chunks,) = [output.text for output in cells[-1].outputs if output.output_type == "stream"]
    assert "".join(chunks.split()) == new.read_text(encoding="utf-8")
    assert (new.parent / "report.html").stat().st_size > 10_000
    assert "mlp-w4-002" in "".join(output.text for output in cells[-3].outputs)
