# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What distance costs: time = a + b x round trip, where b is the number of times that somebody waits for the other end.

The host's sshd is reached through a relay that delays. The connection is opened before, as Ansible keeps it open.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable

from steps import StepFailed

from . import plain
from .calls import Contender, extra_vars, play, site
from .host import Host
from .place import BENCH
from .relay import relayed

_ROUND_TRIPS_MS = (0, 20, 100)
_TIMES = 3


def measure(host: Host) -> dict:
    """The law for the whole stack and for one compose_app task with nothing to change, and for a play with one ping."""
    with extra_vars({"image": host.variables["redis_image"], "size": 1, "value": "0"}) as app:
        subjects: dict[str, Callable[..., Contender]] = {
            "whole_stack_noop": lambda *words: site(host, *words),
            "one_compose_app_noop": lambda *words: play(
                "one compose_app", host, BENCH / "apps" / "collection.yml", *app, *words
            ),
            "ping_play": lambda *words: plain.ping(host, *words),
        }
        points = {name: {} for name in subjects}
        for rtt_ms in _ROUND_TRIPS_MS:
            with relayed((host.address, 22), rtt_ms / 1000) as port:
                for name, contender in subjects.items():
                    points[name][rtt_ms] = _wall_s(contender(*_through(host, port)), rtt_ms)
    host.run("docker rm --force aistack_bench-s1-1 >/dev/null; rm -rf /opt/aistack/bench")
    return {"latency": {name: _law(walls) for name, walls in points.items()}}


def line(points: dict[float, float]) -> tuple[float, float]:
    """Return a and b of the straight line through points by least squares."""
    fitted = statistics.linear_regression(list(points), list(points.values()))
    return fitted.intercept, fitted.slope


def _wall_s(contender: Contender, rtt_ms: int) -> float:
    """The median of calls that change nothing; the first one opens the connection and does not count."""
    contender.call(f"{rtt_ms} ms, first call")
    calls = [contender.call(f"{rtt_ms} ms, {turn}") for turn in range(1, _TIMES + 1)]
    if any(done.tally["changed"] for done in calls):
        raise StepFailed(f"'{contender.name}' changed something where it should only look.")
    return statistics.median(done.wall_s for done in calls)


def _through(host: Host, port: int) -> list[str]:
    """Words of a command line that make Ansible take the relay; the host's key is still that of its address."""
    alias = f"-o HostKeyAlias={host.address}"
    return ["-e", "ansible_host=127.0.0.1", "-e", f"ansible_port={port}", "-e", f"ansible_ssh_extra_args='{alias}'"]


def _law(walls: dict[int, float]) -> dict:
    a, b = line({rtt_ms / 1000: wall for rtt_ms, wall in walls.items()})
    return {
        "a_s": round(a, 2),
        "b_round_trips": round(b, 1),
        **{f"wall_at_{rtt_ms}_ms_s": round(wall, 2) for rtt_ms, wall in walls.items()},
    }
