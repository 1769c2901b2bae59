"""Protects the server: refuses large bodies and requests from other sites; sets strict headers."""

import ipaddress
import socket
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = [
    (b"content-security-policy", _POLICY.encode()),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
]


class Guard:
    """Middleware that refuses requests from other websites and large bodies.

    A website can send requests to a server on this computer, and read the responses if its host
    name resolves to this computer (DNS rebinding). The headers Host, Origin and Sec-Fetch-Site,
    which no script can change, show where such a request comes from.

    Args:
        app: The application.
        host: Address or name that the user gave for the server.
        address: Address that the server listens on, as its socket has it. The header Host must name
            it, `host`, localhost, 127.0.0.1 or ::1. If the server listens on all addresses (0.0.0.0
            or ::), the header may name any address, localhost or the host name of this computer.
        max_bytes: Maximum size of a body in bytes.
    """

    def __init__(self, app: ASGIApp, host: str, address: str, max_bytes: int) -> None:
        self._app = app
        self._any_address = ipaddress.ip_address(address).is_unspecified
        names = {socket.gethostname().lower()} if self._any_address else {host.lower(), address}
        self._names = LOOPBACK | names
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on."""
        if scope["type"] != "http":
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *_HEADERS]
            await send(message)

        if refusal := self._refusal(scope["path"], Headers(scope=scope)):
            status, detail = refusal
            response = JSONResponse({"detail": detail}, status, {"connection": "close"})
            await response(scope, receive, send_with_headers)
        else:
            await self._app(scope, self._limited(receive), send_with_headers)

    def _refusal(self, path: str, headers: Headers) -> tuple[int, str] | None:
        host = headers.get("host", "").lower()
        origin = headers.get("origin")
        site = headers.get("sec-fetch-site", "none")
        if not self._names_this_server(host):
            return 403, "the header Host does not name this server"
        if origin is not None and _without_scheme(origin.lower()) != host:
            return 403, "requests from other websites are refused"
        if path.startswith("/api") and site not in ("none", "same-origin"):
            return 403, "requests from other websites are refused"
        length = headers.get("content-length", "0")
        if not (length.isascii() and length.isdigit()) or int(length) > self._max_bytes:
            return 413, self._too_large()
        return None

    def _names_this_server(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        return name in self._names or (self._any_address and _is_address(name))

    def _limited(self, receive: Receive) -> Receive:
        """Limit the size of a body, for requests whose headers do not give it."""
        total = 0

        async def counted() -> Message:
            nonlocal total
            message = await receive()
            total += len(message.get("body", b""))
            if total > self._max_bytes:
                raise HTTPException(413, self._too_large())
            return message

        return counted

    def _too_large(self) -> str:
        return f"the request is larger than {self._max_bytes / 2**20:.0f} MB: use segtool segment"


def _without_scheme(origin: str) -> str:
    scheme, _, rest = origin.partition("://")
    return rest if scheme in ("http", "https") else origin


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
