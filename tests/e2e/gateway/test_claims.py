# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The claims in Redis, one transition at a time, with a real Redis and no worker."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from gatewaybed.gateway import SOURCE
from gatewaybed.redis_server import RedisServer

Body = Callable[[Callable], Awaitable[None]]


@pytest.fixture
def with_stores(redis_server: RedisServer, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch):
    """Runs a coroutine that makes stores of the same queue, each as if in a process of its own."""
    monkeypatch.syspath_prepend(str(SOURCE))
    monkeypatch.setenv("REDIS_URL", redis_server.url)
    monkeypatch.setenv("PII_QUEUE_NAME", f"test:{request.node.name}:queue")
    monkeypatch.setenv("JOB_STATUS_PREFIX", f"test:{request.node.name}:job:")
    from reference_gateway.jobs import JobStore, connect
    from reference_gateway.settings import load

    def run(body: Body) -> None:
        async def whole() -> None:
            settings = load()
            redis = connect(settings)
            try:
                await body(lambda name: JobStore(settings, redis, name))
            finally:
                await redis.aclose()

        asyncio.run(whole())

    return run


def job(number: int):
    from reference_gateway.states import Job, now

    return Job(f"job-{number}", "a.pdf", f"temp/job-{number}.pdf", 10, 1, now(), now())


def test_jobs_are_claimed_in_order_and_once(with_stores) -> None:
    async def body(store) -> None:
        one, two = store("one"), store("two")
        for number in range(3):
            await one.add(job(number))
        await one.add(job(1))
        assert await one.depth() == 3
        assert [await one.claim(0.1), await two.claim(0.1), await one.claim(0.1)] == ["job-0", "job-1", "job-2"]
        assert await two.claim(0.1) is None

    with_stores(body)


def test_only_the_claims_owner_may_end_a_job(with_stores) -> None:
    async def body(store) -> None:
        one, two = store("one"), store("two")
        await one.add(job(1))
        await one.claim(0.1)
        assert (await one.start("job-1")).status == "processing"
        assert await two.start("job-1") is None
        assert not await two.finish("job-1", "failed", {"error": "not mine"})
        assert await two.put_back("job-1", forgive_attempt=True) is None
        assert await one.finish("job-1", "completed", {"markdown_key": "job-1.md"})
        assert not await one.finish("job-1", "failed", {"error": "too late"})
        ended = await two.get("job-1")
        assert (ended.status, ended.markdown_key, ended.error) == ("completed", "job-1.md", "")

    with_stores(body)


def test_a_job_whose_process_dies_three_times_has_failed(with_stores) -> None:
    async def body(store) -> None:
        survivor = store("survivor")
        await survivor.add(job(1))
        outcomes = []
        for name in ("first", "second", "third"):
            victim = store(name)
            await victim.heartbeat()
            assert await victim.claim(0.1) == "job-1"
            await victim.start("job-1")
            assert await survivor.recover() == {}, "its sign of life still stands"
            await victim.stop_heartbeat()
            outcomes.append(await survivor.recover())
        assert outcomes == [{"job-1": "requeued"}, {"job-1": "requeued"}, {"job-1": "failed"}]
        assert (await survivor.get("job-1")).error.startswith("The conversion was broken off 3 times")
        assert await survivor.depth() == 0

    with_stores(body)


def test_a_job_that_was_given_back_gracefully_loses_no_attempt(with_stores) -> None:
    async def body(store) -> None:
        one = store("one")
        await one.add(job(1))
        await one.add(job(2))
        for _unused in range(5):
            assert await one.claim(0.1) == "job-1", "it goes back to the front"
            await one.start("job-1")
            assert await one.put_back("job-1", forgive_attempt=True) == "requeued"
        again = await one.get("job-1")
        assert (again.status, again.attempts) == ("submitted", 0)

    with_stores(body)


def test_a_claim_of_a_job_that_is_gone_is_dropped(with_stores) -> None:
    async def body(store) -> None:
        one = store("one")
        await one.add(job(1))
        await one.claim(0.1)
        await one._redis.delete(one._key("job-1"))
        assert await one.start("job-1") is None
        assert await one.claimed() == []

    with_stores(body)


def test_final_jobs_and_tokens_expire(with_stores) -> None:
    async def body(store) -> None:
        one = store("one")
        await one.add(job(1))
        assert 604700 < await one._redis.ttl(one._key("job-1")) <= 604800
        await one.claim(0.1)
        await one.start("job-1")
        await one.finish("job-1", "completed", {})
        assert 2591900 < await one._redis.ttl(one._key("job-1")) <= 2592000
        token = await one.make_stream_token("job-1")
        assert await one.opens_stream(token, "job-1")
        assert 3500 < await one._redis.ttl(one._token_key(token)) <= 3600

    with_stores(body)
