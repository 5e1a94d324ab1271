# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The event stream: when it speaks, when it is silent, when it ends."""

import asyncio
from types import SimpleNamespace

import pytest
from redis.exceptions import ConnectionError as RedisAway
from reference_gateway import events
from reference_gateway.changes import Changes
from reference_gateway.metrics import Metrics
from reference_gateway.states import Job


def job(status: str, phase: str = "queued") -> Job:
    return Job("j", "a.pdf", "temp/j.pdf", 1, 1, "t0", "t1", status=status, processing_phase=phase)


class Store:
    """Gives the prepared looks one after the other, the last one again and again; an exception is raised."""

    def __init__(self, *looks: object) -> None:
        self.looks = list(looks)

    async def get(self, job_id: str) -> object:
        look = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        if isinstance(look, Exception):
            raise look
        return look


def told(*looks: object, most: int = 20) -> list[str]:
    """What a stream says: its events and comments, cut at `most`."""
    parts = SimpleNamespace(store=Store(*looks), changes=Changes(None, "c"), metrics=Metrics(), ending=False)

    async def whole() -> list[str]:
        said = []
        stream = events.job_events(parts, "j", lambda seen: {"s": seen.status, "p": seen.processing_phase})
        async for text in stream:
            said.append(text)
            if len(said) == most:
                break
            parts.changes.wake_all()
        await stream.aclose()
        return said

    said = asyncio.run(whole())
    assert parts.metrics.registry.get_sample_value("reference_gateway_streams") == 0
    assert not parts.changes._watchers
    return said


def status(text: str, phase: str) -> str:
    return f'event: status\ndata: {{"s": "{text}", "p": "{phase}"}}\n\n'


def test_every_change_once_until_the_final_one() -> None:
    looks = [job("submitted"), job("processing", "converting"), job("completed", "done")]
    assert told(*looks) == [
        "retry: 2000\n\n",
        status("submitted", "queued"),
        status("processing", "converting"),
        status("completed", "done"),
    ]


def test_a_comment_after_each_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    assert events.KEEPALIVE_SECONDS == 30
    monkeypatch.setattr(events, "KEEPALIVE_SECONDS", 0.01)
    assert told(job("submitted"), most=4)[1:] == [status("submitted", "queued"), ": keepalive\n\n", ": keepalive\n\n"]


def test_a_redis_that_is_away_does_not_end_the_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "KEEPALIVE_SECONDS", 0.01)
    looks = [job("submitted"), RedisAway(), RedisAway(), job("failed", "done")]
    assert [text for text in told(*looks) if not text.startswith(":")][1:] == [
        status("submitted", "queued"),
        status("failed", "done"),
    ]


def test_a_job_that_is_gone_ends_it() -> None:
    assert told(None) == ["retry: 2000\n\n"]
