# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""health_wait: how soon it notices one target, and two hundred beside a loop of `uri` with retries."""

from __future__ import annotations

import socket
import statistics
import threading
import time

from steps import StepFailed, say

from ansible_collections.selfhost.aistack.plugins.module_utils import _health
from ansible_collections.selfhost.aistack.plugins.modules.health_wait import target_spec

from .calls import extra_vars, play
from .host import Host
from .place import BENCH
from .sleepers import Sleepers

_LAGS = 11
_TARGETS = 200
_SLOWEST_S = 3.0
# Where the test hosts see this machine.
_HERE = "198.18.0.1"


def measure(host: Host) -> dict:
    """The lag on this machine, then plays on the host whose targets are on this machine."""
    lag = round(statistics.median(_lag() for _try in range(_LAGS)), 3)
    say(f"health_wait, lag: {lag} s")
    beyond = round(statistics.median(_beyond() for _try in range(5)), 3)
    say(f"health_wait, {_TARGETS} targets: {beyond} s after the slowest")
    return {
        "health_wait_lag_s": lag,
        "health_wait_200_targets_after_slowest_s": beyond,
        "health_wait_200_targets_play_wall_s": _play(host, "health_wait"),
        "uri_with_retries_200_targets_play_wall_s": _play(host, "uri"),
        "slowest_of_200_targets_ready_after_s": _SLOWEST_S,
    }


def _target(name: str, **options) -> dict:
    return {**dict.fromkeys(target_spec()), "name": name, **options}


def _wait(targets: list[dict]) -> None:
    if not all(report.ready for report in _health.wait(targets, timeout=60)):
        raise StepFailed("health_wait did not notice that its targets were ready.")


def _lag() -> float:
    """Seconds between the opening of a port and the return of a wait for it."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        opened = []

        def open_port() -> None:
            server.listen()
            opened.append(time.monotonic())

        timer = threading.Timer(1.0, open_port)
        timer.start()
        _wait([_target("port", kind="tcp", host="127.0.0.1", port=server.getsockname()[1])])
        returned = time.monotonic()
        timer.join()
    return returned - opened[0]


def _beyond() -> float:
    """Seconds between the moment when the slowest of many targets is ready and the return of a wait for all."""
    with Sleepers("127.0.0.1", _TARGETS, _SLOWEST_S) as sleepers:
        _wait([_target(f"target {number}", kind="http", url=url) for number, url in enumerate(sleepers.urls)])
        return time.monotonic() - sleepers.last_ready


def _play(host: Host, way: str) -> float:
    """Seconds of a play that waits for as many targets from the host."""
    with Sleepers(_HERE, _TARGETS, _SLOWEST_S) as sleepers, extra_vars({"urls": sleepers.urls}) as words:
        return round(
            play(f"{way}, {_TARGETS} targets", host, BENCH / "waits" / f"{way}.yml", *words).call("once").wall_s, 2
        )
