# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A job's changes as server-sent events."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

from redis.exceptions import RedisError

from reference_gateway.parts import Parts
from reference_gateway.states import Job

KEEPALIVE_SECONDS = 30.0
# How long a browser waits before it comes back after the stream ended early.
RETRY_MILLISECONDS = 2000


async def job_events(parts: Parts, job_id: str, view: Callable[[Job], dict[str, Any]]) -> AsyncIterator[str]:
    """`status` events with the job's view, first the present one, then every change; ends with the final state.

    A comment goes out whenever nothing else did for 30 s. When the gateway ends, so does the stream; the browser comes back by itself.
    """
    parts.metrics.streams.inc()
    try:
        yield f"retry: {RETRY_MILLISECONDS}\n\n"
        last = ""
        with parts.changes.watch(job_id) as changed:
            while not parts.ending:
                changed.clear()
                try:
                    job = await parts.store.get(job_id)
                except RedisError:
                    # The stream outlives a Redis that is away; the next look may find it.
                    job, event = None, last
                else:
                    if job is None:
                        return
                    event = f"event: status\ndata: {json.dumps(view(job))}\n\n"
                if event != last:
                    last = event
                    yield event
                if job is not None and job.is_final:
                    return
                try:
                    await asyncio.wait_for(changed.wait(), KEEPALIVE_SECONDS)
                except TimeoutError:
                    yield ": keepalive\n\n"
    finally:
        parts.metrics.streams.dec()
