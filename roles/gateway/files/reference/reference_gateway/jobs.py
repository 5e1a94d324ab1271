# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs in Redis: hash, queue, claims.

A worker claims a job by moving its id from the queue to a list of its own process in one step, so a job is always in
exactly one of them until it is final. A process says that it lives by a key that expires; what a process without that
key had claimed goes back to the queue.
"""

import hashlib
import secrets
import uuid

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff

from reference_gateway import scripts, states
from reference_gateway.settings import Settings, secret
from reference_gateway.states import Job

ALIVE_SECONDS = 15
HEARTBEAT_SECONDS = 5
STREAM_TOKEN_SECONDS = 3600
GIVEN_UP = f"The conversion was broken off {states.MAX_ATTEMPTS} times, so it is not tried again; submit the PDF anew."


def connect(settings: Settings) -> Redis:
    """A client whose calls wait for a free connection, retry once on a lost one, and give up after ten seconds."""
    pool = BlockingConnectionPool.from_url(
        secret(settings.redis_url),
        max_connections=settings.redis_max_connections,
        timeout=10,
        socket_connect_timeout=3,
        socket_timeout=10,
        socket_keepalive=True,
        health_check_interval=30,
        retry=Retry(ExponentialBackoff(cap=0.5, base=0.05), 1),
        decode_responses=True,
    )
    return Redis(connection_pool=pool)


class JobStore:
    """Everything that this process does to jobs in Redis."""

    def __init__(self, settings: Settings, redis: Redis, instance: str | None = None) -> None:
        self._redis = redis
        self._prefix = settings.job_status_prefix
        self._queue = settings.pii_queue_name
        self._ttl = {
            states.COMPLETED: settings.job_ttl_completed,
            states.FAILED: settings.job_ttl_failed,
        }
        self._ttl_active = settings.job_ttl_active
        self.instance = instance or uuid.uuid4().hex
        self.channel = f"{self._prefix}changed"
        self._instances = f"{self._queue}:instances"
        self._add = redis.register_script(scripts.ADD)
        self._start = redis.register_script(scripts.START)
        self._finish = redis.register_script(scripts.FINISH)
        self._put_back = redis.register_script(scripts.PUT_BACK)

    def _key(self, job_id: str) -> str:
        return f"{self._prefix}{job_id}"

    def _claimed(self, instance: str) -> str:
        return f"{self._queue}:claimed:{instance}"

    def _alive(self, instance: str) -> str:
        return f"{self._queue}:alive:{instance}"

    async def ping(self) -> None:
        """Raises a RedisError when Redis does not answer."""
        await self._redis.ping()

    async def depth(self) -> int:
        """How many jobs wait in the queue."""
        return await self._redis.llen(self._queue)

    async def add(self, job: Job) -> None:
        """Write a new job and queue it, both or neither."""
        pairs = [part for pair in job.to_hash().items() for part in pair]
        await self._add(keys=[self._key(job.job_id), self._queue], args=[job.job_id, self._ttl_active, *pairs])

    async def get(self, job_id: str) -> Job | None:
        """The job, or None when there is none of this id (any more)."""
        data = await self._redis.hgetall(self._key(job_id))
        return Job.from_hash(data) if data else None

    async def claim(self, wait_seconds: float) -> str | None:
        """Take the oldest job of the queue for this process; None when none came in time."""
        return await self._redis.blmove(self._queue, self._claimed(self.instance), wait_seconds, "RIGHT", "LEFT")

    async def start(self, job_id: str) -> Job | None:
        """Begin a claimed job; None when it needs no work any more."""
        keys = [self._key(job_id), self._claimed(self.instance)]
        if not await self._start(keys=keys, args=[job_id, self.channel, states.now(), self._ttl_active]):
            return None
        return await self.get(job_id)

    async def progress(self, job_id: str, phase: str) -> None:
        """Say what is being done."""
        await self._redis.hset(self._key(job_id), mapping={"processing_phase": phase, "updated_at": states.now()})
        await self._redis.publish(self.channel, job_id)

    async def finish(self, job_id: str, status: str, fields: dict[str, str]) -> bool:
        """Make a job of this process final. False when the job is no longer this process's."""
        values = {**fields, "status": status, "processing_phase": "done", "updated_at": states.now()}
        pairs = [part for pair in values.items() for part in pair]
        keys = [self._key(job_id), self._claimed(self.instance)]
        return bool(await self._finish(keys=keys, args=[job_id, self.channel, self._ttl[status], *pairs]))

    async def put_back(self, job_id: str, *, forgive_attempt: bool, instance: str | None = None) -> str | None:
        """Give a claimed job back to the queue. Returns `requeued`, `failed` (tried too often) or None (not claimed)."""
        keys = [self._key(job_id), self._claimed(instance or self.instance), self._queue]
        args = [job_id, self.channel, states.now(), -1 if forgive_attempt else 0, states.MAX_ATTEMPTS]
        return await self._put_back(keys=keys, args=[*args, self._ttl[states.FAILED], GIVEN_UP]) or None

    async def claimed(self) -> list[str]:
        """The ids that this process has claimed."""
        return await self._redis.lrange(self._claimed(self.instance), 0, -1)

    async def heartbeat(self) -> None:
        """Say that this process lives."""
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.sadd(self._instances, self.instance)
            pipe.set(self._alive(self.instance), "1", ex=ALIVE_SECONDS)
            await pipe.execute()

    async def stop_heartbeat(self) -> None:
        """Say that this process ends; whatever it still has claimed is for others from now on."""
        await self._redis.delete(self._alive(self.instance))

    async def recover(self) -> dict[str, str]:
        """Put back what dead processes had claimed. Returns job id -> `requeued` or `failed`."""
        outcome: dict[str, str] = {}
        for instance in await self._redis.smembers(self._instances):
            if instance == self.instance or await self._redis.exists(self._alive(instance)):
                continue
            for job_id in await self._redis.lrange(self._claimed(instance), 0, -1):
                done = await self.put_back(job_id, forgive_attempt=False, instance=instance)
                if done:
                    outcome[job_id] = done
            await self._redis.srem(self._instances, instance)
        return outcome

    async def make_stream_token(self, job_id: str) -> str:
        """A token that opens this job's event stream for an hour. Redis keeps its digest only."""
        token = secrets.token_urlsafe(32)
        await self._redis.set(self._token_key(token), job_id, ex=STREAM_TOKEN_SECONDS)
        return token

    async def opens_stream(self, token: str, job_id: str) -> bool:
        """Whether the token was made for this job and still holds."""
        return await self._redis.get(self._token_key(token)) == job_id

    def _token_key(self, token: str) -> str:
        return f"{self._prefix}stream:{hashlib.sha256(token.encode()).hexdigest()}"
