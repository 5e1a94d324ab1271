# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker inside the process: claims jobs, works on a few at once, and leaves none behind when it ends."""

import asyncio
import contextlib
import logging
import time

from redis.exceptions import RedisError

from reference_gateway import states
from reference_gateway.docling import ConversionError
from reference_gateway.jobs import HEARTBEAT_SECONDS, JobStore
from reference_gateway.metrics import Metrics
from reference_gateway.processing import Processing
from reference_gateway.settings import Settings
from reference_gateway.storage import STORAGE_ERRORS

log = logging.getLogger(__name__)

CLAIM_WAIT_SECONDS = 2.0
RETRY_SECONDS = 1.0
# Seconds after the signal within which running jobs may end; uvicorn's own grace is 30.
GRACE_SECONDS = 25.0
# For giving the rest back to the queue.
PUT_BACK_SECONDS = 4.0


class Worker:
    """Runs until `stop`; `running` holds the ids of the jobs that this process is working on."""

    def __init__(self, settings: Settings, store: JobStore, processing: Processing, metrics: Metrics) -> None:
        self._store = store
        self._processing = processing
        self._metrics = metrics
        self._limit = settings.pipeline_timeout_seconds
        self._slots = asyncio.Semaphore(settings.worker_concurrency)
        self._enabled = not settings.disable_workers
        self._stopping = asyncio.Event()
        self._deadline = float("inf")
        self._loops: list[asyncio.Task] = []
        self._stray: set[str] = set()
        self.running: dict[str, asyncio.Task] = {}

    def start(self) -> None:
        """Begin to claim jobs, unless DISABLE_WORKERS is set."""
        if self._enabled:
            self._loops = [asyncio.create_task(self._look_after()), asyncio.create_task(self._claim_jobs())]

    def drain(self) -> None:
        """Claim nothing more; what runs has GRACE_SECONDS from now."""
        if not self._stopping.is_set():
            self._deadline = time.monotonic() + GRACE_SECONDS
            self._stopping.set()

    async def stop(self) -> None:
        """Let running jobs end within the grace, put the others back at the front of the queue, say goodbye."""
        if not self._enabled:
            return
        self.drain()
        if self.running:
            left = max(0.0, self._deadline - time.monotonic())
            log.info("ending: %d jobs have %.0f seconds to finish", len(self.running), left)
            await asyncio.wait(self.running.values(), timeout=left)
        tasks = [*self.running.values(), *self._loops]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        try:
            async with asyncio.timeout(PUT_BACK_SECONDS):
                for job_id in await self._store.claimed():
                    outcome = await self._store.put_back(job_id, forgive_attempt=True)
                    log.info("job %s: %s, because the gateway ends", job_id, outcome)
                await self._store.stop_heartbeat()
        except (RedisError, TimeoutError) as error:
            log.warning(
                "jobs could not be put back (%s); the next gateway does it once this one's sign of life is over", error
            )

    async def _look_after(self) -> None:
        while True:
            try:
                await self._store.heartbeat()
                for job_id, outcome in (await self._store.recover()).items():
                    log.warning("job %s: its gateway died; %s", job_id, outcome)
                await self._recover_own()
            except RedisError as error:
                log.warning("the sign of life could not be written: %s", error)
            await asyncio.sleep(HEARTBEAT_SECONDS)

    async def _recover_own(self) -> None:
        """Put back claims whose answer never reached this process: seen twice in a row without a task that works on them."""
        idle = {job_id for job_id in await self._store.claimed() if job_id not in self.running}
        for job_id in idle & self._stray:
            await self._store.put_back(job_id, forgive_attempt=False)
        self._stray = idle - self._stray

    async def _claim_jobs(self) -> None:
        while not self._stopping.is_set():
            await self._slots.acquire()
            job_id = None
            try:
                if not self._stopping.is_set():
                    job_id = await self._store.claim(CLAIM_WAIT_SECONDS)
            except RedisError as error:
                log.warning("no job can be claimed: %s", error)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), RETRY_SECONDS)
            finally:
                if job_id is None:
                    self._slots.release()
            if job_id is not None:
                self.running[job_id] = asyncio.create_task(self._work(job_id))

    async def _work(self, job_id: str) -> None:
        try:
            self._metrics.jobs_running.inc()
            await self._convert(job_id)
        except RedisError as error:
            # The claim stands in Redis; it is found again there when Redis answers.
            log.warning("job %s: Redis is away: %s", job_id, error)
        finally:
            self._metrics.jobs_running.dec()
            self._slots.release()
            del self.running[job_id]

    async def _convert(self, job_id: str) -> None:
        job = await self._store.start(job_id)
        if job is None:
            return
        started = time.monotonic()
        try:
            async with asyncio.timeout(self._limit):
                fields = await self._processing.run(job)
            status = states.COMPLETED
        except STORAGE_ERRORS as error:
            log.warning("job %s: object storage: %s", job_id, error)
            await self._try_again(job_id)
            return
        except ConversionError as error:
            status, fields = states.FAILED, {"error": str(error)}
        except TimeoutError:
            status, fields = states.FAILED, {"error": f"The conversion took longer than {self._limit} seconds."}
        except (RedisError, asyncio.CancelledError):
            raise
        except Exception:
            # Whatever it was must not end the worker; the person gets a final answer and the operator the trace.
            log.exception("job %s", job_id)
            status, fields = states.FAILED, {"error": "The gateway failed at this document; its log says why."}
        await self._finish(job_id, status, fields)
        self._metrics.jobs_finished.labels(status).inc()
        self._metrics.job_seconds.observe(time.monotonic() - started)
        log.info("job %s: %s after %.1f seconds", job_id, status, time.monotonic() - started)

    async def _try_again(self, job_id: str) -> None:
        """Give the job back once the buckets answer again; after too many attempts it has failed."""
        try:
            async with asyncio.timeout(self._limit):
                await self._processing.storage.until_usable()
        except TimeoutError:
            error = "The object storage could not be used for too long; submit the PDF anew."
            await self._finish(job_id, states.FAILED, {"error": error})
            return
        log.info("job %s: %s", job_id, await self._store.put_back(job_id, forgive_attempt=False))

    async def _finish(self, job_id: str, status: str, fields: dict[str, str]) -> None:
        """Write the final state, however long Redis is away: the work is done and must not be lost."""
        while True:
            try:
                if not await self._store.finish(job_id, status, fields):
                    log.warning("job %s: another gateway has taken it over", job_id)
                return
            except RedisError as error:
                log.warning("job %s: its end cannot be written yet: %s", job_id, error)
                await asyncio.sleep(RETRY_SECONDS)
