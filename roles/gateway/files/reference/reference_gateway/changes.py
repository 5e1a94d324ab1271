# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells the event streams of this process that a job has changed, whichever process changed it."""

import asyncio
import contextlib
import logging
from collections import defaultdict
from collections.abc import Iterator

from redis.asyncio import Redis
from redis.exceptions import RedisError

log = logging.getLogger(__name__)

RECONNECT_SECONDS = 1.0


class Changes:
    """One subscription for all streams. A notice only says "look again", so a lost one costs a keepalive's time at most."""

    def __init__(self, redis: Redis, channel: str) -> None:
        self._redis = redis
        self._channel = channel
        self._watchers: dict[str, set[asyncio.Event]] = defaultdict(set)

    @contextlib.contextmanager
    def watch(self, job_id: str) -> Iterator[asyncio.Event]:
        """An event that is set whenever the job may have changed."""
        changed = asyncio.Event()
        self._watchers[job_id].add(changed)
        try:
            yield changed
        finally:
            self._watchers[job_id].discard(changed)
            if not self._watchers[job_id]:
                del self._watchers[job_id]

    def wake_all(self) -> None:
        """Make every stream look again: after a gap in the subscription, and when the process ends."""
        for watchers in self._watchers.values():
            for changed in watchers:
                changed.set()

    async def run(self) -> None:
        """Listen until cancelled; a lost connection is made anew."""
        while True:
            try:
                async with self._redis.pubsub() as subscription:
                    await subscription.subscribe(self._channel)
                    self.wake_all()
                    while True:
                        message = await subscription.get_message(ignore_subscribe_messages=True, timeout=5)
                        for changed in self._watchers.get(message["data"], ()) if message else ():
                            changed.set()
            except (RedisError, OSError) as error:
                log.warning("change notices are interrupted: %s", error)
                await asyncio.sleep(RECONNECT_SECONDS)
