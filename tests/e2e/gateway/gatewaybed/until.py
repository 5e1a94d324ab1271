# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Awaiting a condition."""

import time
from collections.abc import Callable
from typing import Any

from gatewaybed.gateway import Gateway


def until(condition: Callable[[], Any], seconds: float = 30) -> Any:
    """The condition's first true value; an AssertionError when there is none in time."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not within {seconds} seconds"
        time.sleep(0.05)
    return value


def final(gateway: Gateway, job_id: str, seconds: float = 60) -> dict:
    """The document once it is completed or failed."""

    def ended() -> dict | None:
        job = gateway.job(job_id)
        return job if job["status"] in ("completed", "failed") else None

    return until(ended, seconds)
