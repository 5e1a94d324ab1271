# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run that finds nothing to change: the collection, the usual way, pyinfra, and the floors below them."""

from __future__ import annotations

import tempfile

from steps import StepFailed

from . import plain
from .calls import Call, Contender, median, site
from .host import Host

_TIMES = 5
# As in ansible.cfg, but a connection that nobody will use again ends soon.
_SHORT = "-o ControlMaster=auto -o ControlPersist=5s -o StrictHostKeyChecking=accept-new"


def measure(host: Host) -> dict:
    """Call everything in turn, several times, so that a busy moment meets all of them alike."""
    contenders = _contenders(host)
    for contender in contenders:
        contender.call("first call")
    before = host.containers()
    idle = host.idle_cpu_rate()
    calls: dict[str, list[tuple[Call, float]]] = {contender.name: [] for contender in contenders}
    for turn in range(1, _TIMES + 1):
        for contender in contenders:
            spent = host.cpu_s()
            done = contender.call(f"no-op {turn}")
            calls[contender.name].append((done, host.cpu_s() - spent - idle * done.wall_s))
    cold = [_cold(site(host), turn).wall_s for turn in range(1, 4)]
    peaks = {contender.name: contender.peaks(host) for contender in contenders[:3]}
    if host.containers() != before:
        raise StepFailed("A run that should find nothing to change replaced containers.")
    return {**_figures(calls), "noop_new_connection_wall_s": median(cold), "noop_costs": _costs(calls, peaks)}


def _contenders(host: Host) -> list[Contender]:
    return [site(host), plain.usual_way(host), plain.pyinfra(host), plain.bare_compose(host), plain.ping(host)]


def _figures(calls: dict[str, list[tuple[Call, float]]]) -> dict:
    walls = {name: [done.wall_s for done, _host in rows] for name, rows in calls.items()}
    ours, usual, infra = (median(walls[name]) for name in ("collection", "usual way", "pyinfra"))
    return {
        "noop_wall_s": ours,
        "noop_best_wall_s": round(min(walls["collection"]), 2),
        "noop_remote_tasks": calls["collection"][0][0].remote_tasks,
        "noop_changed": sum(done.tally["changed"] for done, _host in calls["collection"]),
        "usual_way_noop_wall_s": usual,
        "usual_way_noop_best_wall_s": round(min(walls["usual way"]), 2),
        "usual_way_noop_remote_tasks": calls["usual way"][0][0].remote_tasks,
        "usual_way_noop_changed": sum(done.tally["changed"] for done, _host in calls["usual way"]),
        "pyinfra_noop_wall_s": infra,
        "pyinfra_noop_best_wall_s": round(min(walls["pyinfra"]), 2),
        "bare_compose_up_five_wall_s": median(walls["bare compose"]),
        "ping_play_wall_s": median(walls["ping"]),
        "usual_way_to_collection_ratio": round(usual / ours, 2),
        "pyinfra_to_collection_ratio": round(infra / ours, 2),
    }


def _costs(calls: dict[str, list[tuple[Call, float]]], peaks: dict[str, dict[str, float]]) -> dict:
    """Processor seconds (medians) and peak memory on both machines."""
    return {
        name: {
            "controller_cpu_s": median([done.cpu_s for done, _host in rows]),
            "host_cpu_s": median([spent for _done, spent in rows]),
            **peaks.get(name, {}),
        }
        for name, rows in calls.items()
    }


def _cold(contender: Contender, turn: int) -> Call:
    """A call that has to connect first, as the first one of a day."""
    with tempfile.TemporaryDirectory(prefix="cp") as folder:
        env = {"ANSIBLE_SSH_CONTROL_PATH_DIR": folder, "ANSIBLE_SSH_ARGS": _SHORT}
        return Contender(contender.name, contender.command, {**contender.env, **env}).call(f"new connection {turn}")
