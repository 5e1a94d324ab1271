# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""/api/v1/documents: submit a PDF, ask for its state, read its Markdown and its ledger."""

import json
import uuid
from pathlib import PurePath
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, HTTPException, Request, UploadFile
from fastapi.responses import StreamingResponse

from reference_gateway import pdf, states
from reference_gateway.events import job_events
from reference_gateway.parts import Parts, parts_of
from reference_gateway.states import COMPLETED, FAILED, PHASES, Job
from reference_gateway.storage import is_missing

router = APIRouter(prefix="/api/v1/documents", tags=["documents"])
PartsDep = Annotated[Parts, Depends(parts_of)]


def view(parts: Parts, job: Job) -> dict[str, Any]:
    """A job as its readers see it: only the fields that its state has."""
    base = f"/api/v1/documents/{job.job_id}"
    body: dict[str, Any] = {
        "job_id": job.job_id,
        "status": job.status,
        "filename": job.original_filename,
        "created_at": job.created_at,
        "updated_at": job.updated_at,
        "total_pages": job.total_pages,
    }
    if job.status == COMPLETED:
        figures = [
            {"figure_id": f["figure_id"], "url": parts.storage.public_url(f["key"]), "alt_text": f["alt_text"]}
            for f in json.loads(job.figures)
        ]
        body |= {
            "markdown_url": parts.storage.public_url(job.markdown_key),
            "result_url": f"{base}/result",
            "ledger_url": f"{base}/ledger",
            "figures": figures,
            "warnings": json.loads(job.warnings),
            "total_edits": 0,
        }
    elif job.status == FAILED:
        body["error"] = job.error
    else:
        body |= {
            "processing_phase": job.processing_phase,
            "message": PHASES.get(job.processing_phase, "Working."),
            "estimated_completion_minutes": parts.settings.estimated_processing_minutes,
            "stream_url": f"{base}/stream",
        }
    return body


async def _job(parts: Parts, job_id: uuid.UUID) -> Job:
    job = await parts.store.get(str(job_id))
    if job is None:
        raise HTTPException(404, f"There is no document {job_id}, or it is no longer kept.")
    return job


def _clean_name(name: str | None) -> str:
    """The file's own name without folders and control characters, short enough to be shown."""
    base = PurePath((name or "").replace("\\", "/")).name
    return "".join(c for c in base if c.isprintable())[:200] or "document.pdf"


@router.post("/submit", status_code=201)
async def submit(file: UploadFile, request: Request, parts: PartsDep) -> dict[str, Any]:
    """Accept a PDF. When this answers 201, the document is stored and its job is queued."""
    settings = parts.settings
    if (file.size or 0) > settings.max_upload_size:
        raise HTTPException(413, f"The PDF is too large; at most {settings.max_upload_size} bytes are accepted.")
    try:
        async with parts.pdf_slots:
            pages = await pdf.count_pages(file.file, settings.pdf_max_pages)
    except pdf.NotAcceptable as error:
        raise HTTPException(400, str(error)) from None
    # Before the upload goes to the bucket, so that a Redis that is away leaves nothing behind there.
    await parts.store.ping()
    job_id, now = str(uuid.uuid4()), states.now()
    job = Job(
        job_id=job_id,
        original_filename=_clean_name(file.filename),
        s3_key=f"temp/{job_id}.pdf",
        size=file.size or 0,
        total_pages=pages,
        created_at=now,
        updated_at=now,
        submitted_by=request.state.identity.subject,
    )
    await parts.storage.put_upload(job.s3_key, file.file)
    await parts.store.add(job)
    parts.metrics.jobs_submitted.inc()
    return view(parts, job)


@router.get("/{job_id}")
async def status(job_id: uuid.UUID, parts: PartsDep) -> dict[str, Any]:
    """How far a document is; links when it is completed, one sentence when it has failed."""
    return view(parts, await _job(parts, job_id))


@router.get("/{job_id}/result")
async def result(job_id: uuid.UUID, parts: PartsDep) -> StreamingResponse:
    """The Markdown itself."""
    job = await _job(parts, job_id)
    name = quote(f"{PurePath(job.original_filename).stem}.md")
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{name}"}
    return await _stored(parts, job, job.markdown_key, "text/markdown; charset=utf-8", headers)


@router.get("/{job_id}/ledger")
async def ledger(job_id: uuid.UUID, parts: PartsDep) -> StreamingResponse:
    """What was done to the document, as JSON."""
    job = await _job(parts, job_id)
    return await _stored(parts, job, job.ledger_key, "application/json", {})


async def _stored(parts: Parts, job: Job, key: str, media_type: str, headers: dict[str, str]) -> StreamingResponse:
    if job.status != COMPLETED:
        raise HTTPException(409, f"The document is {job.status}; a result is there when it is completed.")
    try:
        pieces = await parts.storage.read_result(key)
    except Exception as error:
        if is_missing(error):
            raise HTTPException(404, "The result is no longer in the results bucket.") from None
        raise
    return StreamingResponse(pieces, media_type=media_type, headers=headers)


@router.post("/{job_id}/stream/token")
async def stream_token(job_id: uuid.UUID, parts: PartsDep) -> dict[str, str]:
    """A token for the event stream, for browsers, whose event source cannot send headers. It holds for an hour."""
    job = await _job(parts, job_id)
    return {"token": await parts.store.make_stream_token(job.job_id)}


@router.get("/{job_id}/stream")
async def stream(job_id: uuid.UUID, parts: PartsDep, token: str = "") -> StreamingResponse:
    """The job's states as server-sent events, until it is final."""
    if not await parts.store.opens_stream(token, str(job_id)):
        raise HTTPException(401, "The stream's token is missing, over or for another document; ask for a new one.")
    await _job(parts, job_id)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    events = job_events(parts, str(job_id), lambda job: view(parts, job))
    return StreamingResponse(events, media_type="text/event-stream", headers=headers)
