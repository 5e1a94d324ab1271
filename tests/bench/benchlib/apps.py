# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One task for one app: compose_app beside docker_compose_v2, for apps of 1, 5 and 10 services."""

from __future__ import annotations

from . import plain, tools
from .calls import Call, Contender, extra_vars, median, play
from .host import Host
from .place import BENCH

_SIZES = (1, 5, 10)
_NOOPS = 5
_CHANGES = 3
_WAYS = ("collection", "usual way")


def measure(host: Host) -> dict:
    """Each size: deploy, call again with nothing to change, and with one value of one service changed."""
    sizes = {f"{size}_services": _size(host, size) for size in _SIZES}
    ping = [plain.ping(host).call(f"beside apps {turn}").wall_s for turn in range(1, 4)]
    return {"compose_app": {"ping_play_wall_s": median(ping), **sizes}}


def _size(host: Host, size: int) -> dict:
    found = {}
    try:
        for way in _WAYS:
            found[way] = _Bench(host, way, size).measure()
    finally:
        host.run(
            "docker ps --all --quiet --filter label=com.docker.compose.project=aistack_bench"
            " | xargs --no-run-if-empty docker rm --force --volumes >/dev/null;"
            "docker ps --all --quiet --filter label=com.docker.compose.project=usual_bench"
            " | xargs --no-run-if-empty docker rm --force --volumes >/dev/null;"
            "rm -rf /opt/aistack/bench /opt/usual/bench"
        )
    return found


class _Bench:
    """One app of one size, deployed in one way."""

    def __init__(self, host: Host, way: str, size: int) -> None:
        self._host = host
        self._way = way
        self._size = size

    def measure(self) -> dict:
        """Figures of this way."""
        first = self._call("0", "first call")
        noops, spent, idle = [], [], self._host.idle_cpu_rate()
        for turn in range(1, _NOOPS + 1):
            before = self._host.cpu_s()
            noops.append(self._call("0", f"no-op {turn}"))
            spent.append(self._host.cpu_s() - before - idle * noops[-1].wall_s)
        changes = [self._call(str(turn), f"one value changed {turn}") for turn in range(1, _CHANGES + 1)]
        with self._values(str(_CHANGES)) as words:
            peaks = self._contender(words).peaks(self._host)
        return {
            "first_wall_s": round(first.wall_s, 2),
            "noop_wall_s": median([done.wall_s for done in noops]),
            "noop_remote_tasks": noops[0].remote_tasks,
            "noop_changed": sum(done.tally["changed"] for done in noops),
            "noop_controller_cpu_s": median([done.cpu_s for done in noops]),
            "noop_host_cpu_s": median(spent),
            "one_value_wall_s": median([done.wall_s for done in changes]),
            **peaks,
        }

    def _call(self, value: str, note: str) -> Call:
        with self._values(value) as words:
            return self._contender(words).call(note)

    def _values(self, value: str):
        return extra_vars({"image": self._host.variables["redis_image"], "size": self._size, "value": value})

    def _contender(self, words: list[str]) -> Contender:
        name = f"{self._way}, {self._size} services"
        folder = BENCH / "apps"
        if self._way == "collection":
            return play(name, self._host, folder / "collection.yml", *words)
        return play(name, self._host, folder / "usual_way.yml", *words, collections=tools.COLLECTIONS)
