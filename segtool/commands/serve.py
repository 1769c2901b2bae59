"""`segtool serve`: a page to try models, correct paragraphs, and train on the corrections."""

from typing import Annotated

import typer

from segtool.options import ComputeOptions, WorkspaceOption, with_options

_SECONDS = 600  # maximum time of a request


@with_options()
def serve(
    *,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port to listen on; 0: any free port.")
    ] = 8750,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the page in a browser.")
    ] = True,
    compute: ComputeOptions,
    workspace: WorkspaceOption = None,
) -> None:
    """Open a local page to split texts and correct paragraphs.

    The page uses a JSON API, which /openapi.json describes. Press Ctrl-C to stop the server. The
    command needs additional packages: run pip install 'segtool[serve]'.

    Example: segtool serve
    """
    from embedcache.packages import check_installed

    check_installed("the page", "serve", {"fastapi": "fastapi", "uvicorn": "uvicorn"})
    from segclf.tasks.models import Compute
    from segclf.workspace.workspace import Workspace
    from segtool.serve.server import serve as run_server
    from segtool.serve.session import Session

    settings = Compute(compute.device, compute.threads)
    session = Session(Workspace(workspace), settings, _SECONDS)
    run_server(session, host, port, open_page=browser)
