# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Counts and logs every request: method, path, status, time, caller. Never the query string, which may hold a token."""

import logging
import time

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reference_gateway.forwarded import client_address
from reference_gateway.metrics import Metrics

log = logging.getLogger("access")

# Probes come every few seconds; their lines would hide the others.
QUIET = frozenset({"/health", "/health/ready", "/metrics"})


class AccessLog:
    """ASGI middleware, the outermost one."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = time.perf_counter()
        status, first = 0, 0.0

        async def watch(message: Message) -> None:
            nonlocal status, first
            if message["type"] == "http.response.start":
                status, first = message["status"], time.perf_counter() - begun
            await send(message)

        try:
            await self._app(scope, receive, watch)
        finally:
            self._note(scope, status or 500, first, time.perf_counter() - begun)

    def _note(self, scope: Scope, status: int, first: float, whole: float) -> None:
        # The route's pattern, not the path: a figure for each document would never end.
        route = getattr(scope.get("route"), "path", "other")
        self._metrics.requests.labels(scope["method"], route, status).inc()
        self._metrics.request_seconds.labels(route).observe(first)
        fields = {
            "method": scope["method"],
            "path": scope["path"],
            "status": status,
            "seconds": round(whole, 3),
            "client": client_address(HTTPConnection(scope)),
        }
        level = logging.DEBUG if scope["path"] in QUIET else logging.INFO
        log.log(level, "%s %s %d", scope["method"], scope["path"], status, extra={"fields": fields})
