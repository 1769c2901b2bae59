"""The application of `segtool serve`: the page, the API, and how errors are reported."""

from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response

import segclf.report
from embedcache import UserError
from embedcache.errors import reason_of
from segtool import __version__
from segtool.serve.routes import router
from segtool.serve.session import Session

_ASSETS = Path(__file__).parent / "assets"
_SHARED_STYLES = Path(segclf.report.__path__[0]) / "assets" / "base.css"
_TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
_PAGE = "index.html"


def make_app(session: Session) -> FastAPI:
    """Make the application, without the guard.

    Args:
        session: Models and workspace.
    """
    app = FastAPI(
        title="segtool",
        version=__version__,
        summary="Splits text into paragraphs, explains each boundary, and learns from corrections.",
        docs_url=None,  # the documentation pages load scripts from other servers
        redoc_url=None,
    )
    app.state.session = session
    app.include_router(router)
    assets = {path.name: path.read_bytes() for path in (*_ASSETS.iterdir(), _SHARED_STYLES)}

    @app.get("/", include_in_schema=False)
    def page() -> Response:
        return _asset(_PAGE, assets[_PAGE])

    @app.get("/assets/{name}", include_in_schema=False)
    def asset(name: str) -> Response:
        # only the files that were read above are served
        return _asset(name, assets[name]) if name in assets else _error("not found", 404)

    @app.exception_handler(UserError)
    def user_error(_: Request, error: UserError) -> JSONResponse:
        return _error(str(error))

    @app.exception_handler(OSError)
    def disk_error(_: Request, error: OSError) -> JSONResponse:
        place = f"{error.filename}: " if error.filename else ""
        return _error(f"{place}{reason_of(error)}", 500)

    @app.exception_handler(RequestValidationError)
    def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]  # its input is left out of the message, since it may be long
        if first["type"] == "model_attributes_type" and not _is_json(request):
            return _error("send JSON, with the header Content-Type: application/json")
        return _error(f"{'.'.join(map(str, first['loc']))}: {first['msg']}")

    return app


def _is_json(request: Request) -> bool:
    return request.headers.get("content-type", "").partition(";")[0].strip().endswith("json")


def _asset(name: str, content: bytes) -> Response:
    return Response(content, media_type=_TYPES[name.rpartition(".")[2]])


def _error(detail: str, status: int = 422) -> JSONResponse:
    return JSONResponse({"detail": detail}, status)
