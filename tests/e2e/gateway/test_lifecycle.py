# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No accepted job is lost: gateways that end or die, a Redis, a Garage and a converter that go away and come back."""

import re
import signal
import threading
import time
from collections.abc import Callable

import httpx
import pdf
from gatewaybed.garage import Garage
from gatewaybed.gateway import Gateway
from gatewaybed.redis_server import RedisServer
from gatewaybed.until import final, until

NewGateway = Callable[..., Gateway]


def submit(gateway: Gateway, words: str) -> str:
    answer = gateway.submit(pdf.make([words]))
    assert answer.status_code == 201, answer.text
    return answer.json()["job_id"]


def phase(gateway: Gateway, job_id: str) -> str:
    return gateway.job(job_id).get("processing_phase", "")


def test_a_running_job_ends_before_the_gateway_does(new_gateway: NewGateway) -> None:
    first = new_gateway()
    job_id = submit(first, "SLEEP 3 then end")
    until(lambda: phase(first, job_id) == "converting")
    first.stop()
    second = new_gateway(DISABLE_WORKERS="true")
    assert second.job(job_id)["status"] == "completed"


def test_a_job_that_outlasts_the_grace_goes_back_to_the_front_of_the_queue(new_gateway: NewGateway, docling) -> None:
    first = new_gateway(WORKER_CONCURRENCY="1")
    long = submit(first, "SLEEP 40 then end")
    until(lambda: phase(first, long) == "converting")
    waiting = submit(first, "another one")
    begun = time.monotonic()
    first.stop()
    assert time.monotonic() - begun < 31
    second = new_gateway(DISABLE_WORKERS="true")
    assert phase(second, long) == "queued"
    assert second.client.get("/health").json()["checks"]["queue_depth"] == 2
    assert "put back" not in second.log
    third = new_gateway(WORKER_CONCURRENCY="1")
    until(lambda: phase(third, long) == "converting")
    assert phase(third, waiting) == "queued"


def test_the_job_of_a_killed_gateway_is_taken_over(new_gateway: NewGateway) -> None:
    first = new_gateway()
    job_id = submit(first, "SLEEP 3 then end")
    until(lambda: phase(first, job_id) == "converting")
    first.process.kill()
    second = new_gateway()
    assert final(second, job_id)["status"] == "completed"
    assert second.client.get(f"/api/v1/documents/{job_id}/ledger").json()["conversion"]["claims"] == 2


def test_two_gateways_share_the_queue_and_no_job_is_done_twice(new_gateway: NewGateway, docling) -> None:
    first, second = new_gateway(), new_gateway()
    jobs = [submit(gateway, f"SLEEP 0.2 number {n}") for n, gateway in enumerate([first, second] * 6)]
    for job_id in jobs:
        assert final(second, job_id)["status"] == "completed"
    assert len(httpx.get(f"{docling.url}/calls", trust_env=False).json()) == len(jobs)


def test_without_redis_nothing_is_accepted_and_nothing_accepted_is_lost(
    new_gateway: NewGateway, redis_server: RedisServer
) -> None:
    gateway = new_gateway(WORKER_CONCURRENCY="1")
    running, waiting = submit(gateway, "SLEEP 2 then end"), submit(gateway, "another one")
    until(lambda: phase(gateway, running) == "converting")
    redis_server.stop()
    try:
        refused = gateway.submit(pdf.make(["not now"]))
        assert refused.status_code == 503
        assert refused.headers["retry-after"] == "5"
        health = gateway.client.get("/health")
        assert health.status_code == 503
        assert health.json()["detail"]["status"] == "unhealthy"
        assert health.json()["detail"]["checks"]["redis"] is False
        until(lambda: "its end cannot be written yet" in gateway.log)
    finally:
        redis_server.start()
    assert final(gateway, running)["status"] == "completed"
    assert final(gateway, waiting)["status"] == "completed"


def test_without_the_converter_jobs_wait_for_it(new_gateway: NewGateway, docling) -> None:
    gateway = new_gateway()
    docling.stop()
    job_id = submit(gateway, "some words")
    until(lambda: phase(gateway, job_id) == "waiting_for_converter")
    assert gateway.client.get("/health").json()["status"] == "degraded"
    ready = gateway.client.get("/health/ready")
    assert ready.status_code == 503
    assert ready.json()["detail"]["status"] == "not_ready"
    assert ready.json()["detail"]["checks"]["docling_serve"] is False
    docling.start()
    assert final(gateway, job_id)["status"] == "completed"
    assert gateway.client.get("/health/ready").json() == {
        "status": "ready",
        "checks": {"redis": True, "s3": True, "queue_depth": 0, "docling_serve": True, "s3_results": True},
    }


def test_a_converter_that_breaks_off_is_asked_again(new_gateway: NewGateway, docling) -> None:
    gateway = new_gateway()
    job_id = submit(gateway, "BREAK the connection")
    for _unused in range(3):
        until(lambda: not docling.alive())
        docling.start()
    job = final(gateway, job_id)
    assert job["status"] == "failed"
    assert re.fullmatch(r"The converter failed 3 times; the last time the connection failed \(\w+\)\.", job["error"])


def test_without_object_storage_jobs_wait_for_it(new_gateway: NewGateway, garage: Garage) -> None:
    gateway = new_gateway()
    job_id = submit(gateway, "SLEEP 1 then end")
    until(lambda: phase(gateway, job_id) == "converting")
    garage.stop()
    try:
        assert gateway.client.get("/health").json()["detail"]["checks"]["s3"] is False
        assert gateway.submit(pdf.make(["not now"])).status_code == 503
        until(lambda: "object storage" in gateway.log)
    finally:
        garage.start()
    assert final(gateway, job_id)["status"] == "completed"


def test_event_streams_end_at_once_when_the_gateway_is_told_to(new_gateway: NewGateway) -> None:
    gateway = new_gateway()
    job_id = submit(gateway, "SLEEP 6 then end")
    until(lambda: phase(gateway, job_id) == "converting")
    token = gateway.client.post(f"/api/v1/documents/{job_id}/stream/token").json()["token"]
    opened, ended = threading.Event(), threading.Event()

    def read() -> None:
        address = f"{gateway.url}/api/v1/documents/{job_id}/stream"
        with httpx.stream("GET", address, params={"token": token}, timeout=60, trust_env=False) as answer:
            for line in answer.iter_lines():
                if line.startswith("data:"):
                    opened.set()
        ended.set()

    threading.Thread(target=read).start()
    assert opened.wait(10)
    gateway.process.child.send_signal(signal.SIGTERM)
    assert ended.wait(3)
    assert gateway.process.child.poll() is None, "the job still runs"
    gateway.process.child.wait(30)
    assert new_gateway(DISABLE_WORKERS="true").job(job_id)["status"] == "completed"
