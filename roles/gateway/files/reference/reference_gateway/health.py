# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""/health says whether the gateway itself can work, /health/ready whether everything behind it can, /metrics how much it does."""

import asyncio
from collections.abc import Awaitable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Response
from redis.exceptions import RedisError

from reference_gateway import metrics
from reference_gateway.parts import Parts, parts_of

router = APIRouter(tags=["health"])
PartsDep = Annotated[Parts, Depends(parts_of)]

# Below the ten seconds that the container's health check waits.
CHECK_SECONDS = 5.0


async def _in_time(check: Awaitable[Any], otherwise: Any) -> Any:
    try:
        return await asyncio.wait_for(check, CHECK_SECONDS)
    except (TimeoutError, RedisError):
        return otherwise


async def _redis(parts: Parts) -> bool:
    await parts.store.ping()
    return True


async def _checks(parts: Parts) -> dict[str, Any]:
    redis, depth, temp, docling = await asyncio.gather(
        _in_time(_redis(parts), False),
        _in_time(parts.store.depth(), None),
        _in_time(parts.storage.usable(parts.storage.temp), False),
        _in_time(parts.docling.healthy(), False),
    )
    return {"redis": redis, "s3": temp, "queue_depth": depth, "docling_serve": docling}


def _works(checks: dict[str, Any]) -> bool:
    return checks["redis"] and checks["s3"] and checks["queue_depth"] is not None


@router.get("/health")
async def health(parts: PartsDep) -> dict[str, Any]:
    """200 while Redis, its queue and the temp bucket work; a docling-serve that is away only makes it `degraded`."""
    checks = await _checks(parts)
    if not _works(checks):
        raise HTTPException(503, {"status": "unhealthy", "checks": checks})
    return {"status": "healthy" if checks["docling_serve"] else "degraded", "checks": checks}


@router.get("/health/ready")
async def ready(parts: PartsDep) -> dict[str, Any]:
    """200 when a document submitted now can be converted and its result stored."""
    checks, results = await asyncio.gather(_checks(parts), _in_time(parts.storage.usable(parts.storage.results), False))
    checks["s3_results"] = results
    if not (_works(checks) and checks["docling_serve"] and results):
        raise HTTPException(503, {"status": "not_ready", "checks": checks})
    return {"status": "ready", "checks": checks}


@router.get("/metrics")
async def figures(parts: PartsDep) -> Response:
    """Prometheus' text form; 404 when ENABLE_METRICS is off. To be closed at the edge."""
    if not parts.settings.enable_metrics:
        raise HTTPException(404, "Metrics are switched off.")
    parts.metrics.queue_depth.set(await _in_time(parts.store.depth(), -1))
    return Response(parts.metrics.text(), media_type=metrics.CONTENT_TYPE)
