# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The event stream of a document."""

import json
import re
import time

import httpx
import pdf
from gatewaybed.gateway import Gateway
from gatewaybed.until import until


def token_for(gateway: Gateway, job_id: str) -> str:
    token = gateway.client.post(f"/api/v1/documents/{job_id}/stream/token").json()["token"]
    assert len(token) >= 40
    return token


def test_the_stream_tells_every_state_until_the_last(gateway: Gateway) -> None:
    job_id = gateway.submit(pdf.make(["SLEEP 1 then end"])).json()["job_id"]
    address, query = f"{gateway.url}/api/v1/documents/{job_id}/stream", {"token": token_for(gateway, job_id)}
    seen, begun = [], time.monotonic()
    with httpx.stream("GET", address, params=query, timeout=30, trust_env=False) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["x-accel-buffering"] == "no"
        assert answer.headers["cache-control"] == "no-store"
        for line in answer.iter_lines():
            if line.startswith("data: "):
                seen.append(json.loads(line.removeprefix("data: ")))
    assert time.monotonic() - begun < 5
    assert [event.get("processing_phase") for event in seen if event["status"] == "processing"][-2:] == [
        "converting",
        "storing",
    ]
    assert seen[-1] == gateway.job(job_id)
    assert seen[-1]["status"] == "completed"


def test_a_stream_needs_its_own_documents_token_and_no_other_credential_helps(gateway: Gateway) -> None:
    one, other = (gateway.submit(pdf.make(["words"])).json()["job_id"] for _unused in range(2))
    address = f"/api/v1/documents/{one}/stream"
    assert gateway.client.get(address).status_code == 401
    assert gateway.client.get(address, params={"token": "x" * 43}).status_code == 401
    assert gateway.client.get(address, params={"token": token_for(gateway, other)}).status_code == 401
    assert gateway.client.get(address, params={"token": token_for(gateway, one)}).status_code == 200


def test_no_token_stands_in_the_log(gateway: Gateway) -> None:
    job_id = gateway.submit(pdf.make(["words"])).json()["job_id"]
    token = token_for(gateway, job_id)
    gateway.client.get(f"/api/v1/documents/{job_id}/stream", params={"token": token})
    until(lambda: re.search(rf"GET /api/v1/documents/{job_id}/stream 200", gateway.log))
    assert token not in gateway.log


def test_metrics_count_what_happens(gateway: Gateway) -> None:
    gateway.submit(pdf.make(["words"]))
    text = gateway.client.get("/metrics").text
    assert "reference_gateway_jobs_submitted_total 1.0" in text
    assert re.search(r"reference_gateway_queue_depth \d", text)
    assert 'route="/api/v1/documents/submit",status="201"' in text
