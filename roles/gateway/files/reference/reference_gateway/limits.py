# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Limits of the request body, counted while it comes in, so that a missing or false Content-Length changes nothing."""

from fastapi import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SUBMIT_PATH = "/api/v1/documents/submit"
# The form around the file: boundaries, part headers, the small fields.
FORM_BYTES = 64 * 1024
OTHER_BYTES = 64 * 1024


class BodyLimit:
    """ASGI middleware: MAX_UPLOAD_SIZE for a submitted document, 64 KiB for everything else."""

    def __init__(self, app: ASGIApp, max_upload_size: int) -> None:
        self._app = app
        self._max_upload_size = max_upload_size

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        is_upload = scope["path"] == SUBMIT_PATH
        most = self._max_upload_size + FORM_BYTES if is_upload else OTHER_BYTES
        shown = self._max_upload_size if is_upload else OTHER_BYTES
        detail = f"The request is too large; at most {shown} bytes are accepted."
        declared = dict(scope["headers"]).get(b"content-length", b"")
        if declared.isdigit() and int(declared) > most:
            await JSONResponse({"detail": detail}, 413)(scope, receive, send)
            return
        received = 0

        async def count() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > most:
                raise HTTPException(413, detail)
            return message

        await self._app(scope, count, send)
