# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts the application together."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Iterator

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles
from redis.exceptions import RedisError

from reference_gateway import __version__, auth, cleanup, documents, health, page
from reference_gateway.access import AccessLog
from reference_gateway.gate import Gate
from reference_gateway.headers import SecurityHeaders
from reference_gateway.limits import BodyLimit
from reference_gateway.parts import Parts, make
from reference_gateway.settings import Settings
from reference_gateway.storage import STORAGE_ERRORS

RETRY_AFTER = {"Retry-After": "5"}


def create_app(settings: Settings, parts: Parts | None = None) -> FastAPI:
    """The application for these settings; `parts` replaces what would be made from them."""
    parts = parts or make(settings)
    # No /docs: its page needs scripts from another site, which the content policy refuses. /openapi.json is there.
    app = FastAPI(title="Reference gateway", version=__version__, docs_url=None, redoc_url=None, lifespan=_lifespan)
    app.state.parts = parts
    for module in (documents, auth, health, page):
        app.include_router(module.router)
    app.mount("/static", StaticFiles(directory=page.STATIC))
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(RedisError, _no_redis)
    for error in STORAGE_ERRORS:
        app.add_exception_handler(error, _no_storage)
    # The last one added is the outermost.
    app.add_middleware(BodyLimit, max_upload_size=settings.max_upload_size)
    app.add_middleware(Gate, settings=settings, sessions=parts.sessions)
    app.add_middleware(SecurityHeaders)
    app.add_middleware(AccessLog, metrics=parts.metrics)
    return app


@contextlib.asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    parts: Parts = app.state.parts
    background = [
        asyncio.create_task(parts.changes.run()),
        asyncio.create_task(cleanup.run(parts.settings, parts.store, parts.storage)),
    ]
    parts.worker.start()
    try:
        with _told_at_once(parts):
            yield
    finally:
        await parts.worker.stop()
        for task in background:
            task.cancel()
        await asyncio.gather(*background, return_exceptions=True)
        await parts.docling.close()
        if parts.oidc:
            await parts.oidc.close()
        await parts.redis.aclose()


@contextlib.contextmanager
def _told_at_once(parts: Parts) -> Iterator[None]:
    """Begin to end at the signal itself: the server runs the lifespan's end only after open requests and streams."""
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def told(number: int, frame: object) -> None:
        loop.call_soon_threadsafe(parts.begin_ending)
        handler = before[number]
        if callable(handler):
            handler(number, frame)

    try:
        for number in before:
            signal.signal(number, told)
    except ValueError:
        # Not the main thread, as in a test client; then nobody sends this process a signal to end it gracefully.
        yield
        return
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


async def _invalid(request: Request, error: RequestValidationError) -> JSONResponse:
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return JSONResponse({"detail": f"{where}: {first['msg']}."}, 422)


async def _no_redis(request: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"detail": "The job store does not answer; try again in a few seconds."}, 503, RETRY_AFTER)


async def _no_storage(request: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"detail": "The object storage does not answer; try again in a few seconds."}, 503, RETRY_AFTER)
