"""The JSON API of `segtool serve`."""

import json
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Depends, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, Response, StreamingResponse

from embedcache import UserError
from segclf.corpus import read_unsegmented
from segclf.tasks.adapt import FOLDS, CorrectedText
from segclf.tasks.held_out import HeldOutScores
from segclf.tasks.segment_options import SegmentOptions
from segclf.workspace.ready import ReadyModel
from segclf.workspace.runs import Run
from segtool import __version__
from segtool.serve import schemas
from segtool.serve.content import header, sentences_of, to_segmentation
from segtool.serve.session import Session

_MEDIA_TYPES = {"page": "text/plain", "text": "text/plain", "html": "text/html"}
_ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": schemas.Error} for status in (400, 403, 413, 422, 500)
}
_STREAM: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/x-ndjson": {"schema": {"type": "string"}}}}
}
_ADVICE_ON_OPTIONS = re.compile("set it with --text-encoding, or |: use --input-format plain.*")
"""Parts of messages about options of `segtool segment` that the API does not have."""
_FILE = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


def _current(request: Request) -> Session:
    session: Session = request.app.state.session
    return session


Current = Annotated[Session, Depends(_current)]
router = APIRouter(responses=_ERRORS)


@router.post("/api/segment")
def segment(body: schemas.SegmentBody, session: Current) -> schemas.Segmented:
    """Split a text into paragraphs."""
    read = session.read(body.text, body.model, _options(body), fast=body.fast)
    parts = list(session.segment(read))
    sentences = [sentence for part in parts for sentence in sentences_of(part)]
    return schemas.Segmented(**header(read).model_dump(), sentences=sentences)


@router.post("/api/segment/stream", response_class=StreamingResponse, responses=_STREAM)
def stream(body: schemas.SegmentBody, session: Current) -> StreamingResponse:
    """Split a long text, and send each sentence as soon as it is available.

    The response is NDJSON, one JSON object per line: a header, then each sentence as in
    /api/segment, then {"done": true}. If an error occurs after the header, the last line is
    {"error": "..."}. If a number of paragraphs or a length limit is given, the boundaries depend on
    the whole text, so all sentences are sent at the end.
    """
    read = session.read(body.text, body.model, _options(body), fast=body.fast)

    def lines() -> Iterator[str]:
        yield header(read).model_dump_json() + "\n"
        try:
            for part in session.segment(read):
                yield "".join(one.model_dump_json() + "\n" for one in sentences_of(part))
        except UserError as error:
            yield json.dumps({"error": str(error)}) + "\n"
        else:
            yield '{"done":true}\n'

    return StreamingResponse(lines(), media_type="application/x-ndjson")


@router.post("/api/explain")
def explain(body: schemas.ExplainBody, session: Current) -> schemas.Explained:
    """Explain a boundary: how its probability changes if a nearby sentence is left out."""
    language = schemas.checked_language(body.language)
    if body.position >= len(body.sentences):
        raise UserError(f"position is {body.position}: use 1 to {len(body.sentences) - 1}")
    found = session.explain(body.sentences, body.position, body.model, language)
    return schemas.Explained.model_validate(found, from_attributes=True)


@router.post("/api/write", response_class=Response)
def write(body: schemas.WriteBody) -> Response:
    """Write a text, whose paragraphs may have been corrected, as a page, text, HTML or JSON."""
    found = to_segmentation(body)
    if body.format == "json":
        return JSONResponse(found.to_dict())
    writers = {"page": found.to_page, "text": found.to_text, "html": found.to_html}
    return Response(writers[body.format](), media_type=_MEDIA_TYPES[body.format])


@router.post("/api/read", openapi_extra=_FILE)
async def read_file(request: Request) -> schemas.ReadFile:
    """Read the text of a file and detect its encoding; the body is the content of the file."""
    found: schemas.ReadFile = await run_in_threadpool(_read_file, await request.body())
    return found


@router.get("/api/models")
def models(session: Current) -> schemas.Models:
    """List the models that can be chosen."""
    return schemas.Models(
        models=[_model(model) for model in session.models()],
        workspace=str(session.workspace.path),
        version=__version__,
    )


@router.post("/api/adapt")
def adapt(body: schemas.AdaptBody, session: Current) -> schemas.Adapted:
    """Train an adapted model on corrected texts, and score it by cross-validation."""
    language = schemas.checked_language(body.language)
    texts = [_corrected(text) for text in body.texts]
    found = session.adapt(texts, body.model, language)
    start = found.run.record.start
    return schemas.Adapted(
        run=found.run.name,
        start=start.name if start else "",
        workspace=str(session.workspace.path),
        temporary=session.is_temporary,
        corpus=found.corpus,
        sentences=found.sentences,
        boundaries=found.boundaries,
        scored=found.scored,
        folds=FOLDS,
        before=_scores(found.before),
        after=_scores(found.after),
        notes=list(found.notes),
    )


def _options(body: schemas.SegmentBody) -> SegmentOptions:
    return SegmentOptions(**body.model_dump(exclude={"text", "model", "fast"}))


def _read_file(data: bytes) -> schemas.ReadFile:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(data)
        try:
            found = read_unsegmented(path)
        except UserError as error:
            reason = str(error).replace(str(path), "the file")
            raise UserError(_ADVICE_ON_OPTIONS.sub("", reason)) from error
    return schemas.ReadFile(text=found.text, encoding=found.encoding.codec)


def _model(model: Run | ReadyModel) -> schemas.Model:
    if isinstance(model, ReadyModel):
        return schemas.Model(
            name=model.name,
            is_run=False,
            description=model.description,
            languages=list(model.languages),
            typed=model.is_typed,
            fast=model.is_fast,
            adaptable=True,
        )
    f1 = model.record.dev.get("f1") if model.record.has_dev_scores else None
    scored = f", F1 {f1:.3f} on dev" if f1 is not None else ""
    return schemas.Model(
        name=model.name,
        is_run=True,
        description=f"trained on {model.record.corpus or 'an unnamed corpus'}{scored}",
        languages=list(model.languages),
        typed=model.is_typed,
        fast=False,
        adaptable=model.kind == "head",
    )


def _corrected(text: schemas.LabelledText) -> CorrectedText:
    if len(text.sentences) != len(text.labels):
        raise UserError(
            f"sentences has length {len(text.sentences)}, but labels has length "
            f"{len(text.labels)}: send one label for each sentence"
        )
    if not all(sentence.strip() for sentence in text.sentences):
        raise UserError("a sentence is empty: leave it out")
    return CorrectedText(text.sentences, np.array(text.labels, dtype=np.int8))


def _scores(held: HeldOutScores | None) -> schemas.HeldOutScores | None:
    if held is None:
        return None
    return schemas.HeldOutScores.model_validate(held, from_attributes=True)
