"""Runs the server of `segtool serve`, opens the page, and ends at Ctrl-C."""

import errno
import socket
import threading
import webbrowser
from contextlib import suppress
from types import FrameType

import uvicorn

from embedcache import UserError
from embedcache.errors import reason_of
from segtool.output import report
from segtool.serve.app import make_app
from segtool.serve.guard import LOOPBACK, Guard
from segtool.serve.session import Session

MAX_BYTES = 32 << 20
"""Maximum size of a request in bytes. A novel of 11,000 sentences with probabilities is 4 MB."""


class _Server(uvicorn.Server):
    """A server that ends its computations when it is interrupted."""

    session: Session

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.session.stopping.set()
        super().handle_exit(sig, frame)


def serve(session: Session, host: str, port: int, *, open_page: bool) -> None:
    """Answer requests until Ctrl-C.

    Args:
        session: Models and workspace.
        host: Address to listen on.
        port: Port to listen on; 0 for any free port.
        open_page: Whether to open the page in a browser.

    Raises:
        UserError: The address or the port cannot be used.
    """
    listening = _listen(host, port)
    shown = f"[{host}]" if ":" in host else host
    address, used_port = listening.getsockname()[:2]
    url = f"http://{shown}:{used_port}/"
    config = uvicorn.Config(
        Guard(make_app(session), host, address, MAX_BYTES),
        access_log=False,
        lifespan="off",
        limit_concurrency=64,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=5,
        ws="none",
    )
    server = _Server(config)
    server.session = session
    if host not in LOOPBACK:
        report(f"warning: anyone who can reach {host} can use this server and its models")
    report(f"{url} (press Ctrl-C to stop)")
    if open_page:  # in a thread, since some browsers run in the terminal
        threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()
    with suppress(KeyboardInterrupt):  # uvicorn raises it again after the last request has ended
        server.run(sockets=[listening])
    if session.is_temporary:
        report(f"the adapted models are in {session.workspace.path}")


def _listen(host: str, port: int) -> socket.socket:
    if not host:
        raise UserError("--host is empty: give an address of this computer, such as 127.0.0.1")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen()  # so that the browser can connect before the server has started
    except OSError as error:
        listening.close()
        reason = reason_of(error)
        if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
            raise UserError(f"{host}: {reason}: choose an address of this computer") from error
        raise UserError(
            f"port {port} of {host} cannot be used ({reason}): choose another --port, or 0 for any "
            "free one"
        ) from error
    return listening
