# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.selfhost.aistack.plugins.module_utils._drift_host import port_notes, restarts, strays

BOOTED = "2026-01-01T00:00:00Z"
MADE = {"redis": "2026-01-02T10:00:00Z"}


def container(started, status="running", restarted=0):
    return {
        "Name": "/aistack_redis-redis-1",
        "Config": {"Labels": {"aistack.app": "redis"}},
        "State": {"Status": status, "StartedAt": started},
        "RestartCount": restarted,
    }


def holder(port, address="0.0.0.0", process="nc", container="", app=""):  # noqa: S104 - what is looked for
    return {
        "protocol": "tcp",
        "address": address,
        "port": port,
        "process": process,
        "pid": 7,
        "container": container,
        "app": app,
    }


def test_a_container_that_no_run_touched_since_is_not_told():
    assert restarts([container("2026-01-02T09:59:58.123456789Z")], MADE, BOOTED) == []
    assert restarts([container("2026-01-03T00:00:00.1Z", status="exited")], MADE, BOOTED) == []
    assert restarts([container("2026-01-03T00:00:00.1Z")], {}, BOOTED) == []


@pytest.mark.parametrize(
    ("booted", "what"),
    [
        (BOOTED, "was started again at 2026-01-03T00:00:00Z, after the last change by a run at 2026-01-02T10:00:00Z"),
        (
            "2026-01-02T23:00:00Z",
            (
                "was started again at 2026-01-03T00:00:00Z, after the last change by a run at 2026-01-02T10:00:00Z,"
                " with the host, which was started at 2026-01-02T23:00:00Z"
            ),
        ),
    ],
)
def test_a_restart_is_told_with_its_time(booted, what):
    note = {"kind": "restart", "name": "aistack_redis-redis-1", "what": what}
    assert restarts([container("2026-01-03T00:00:00.1Z")], MADE, booted) == [note]


def test_restarts_by_the_engine_are_counted():
    found = restarts([container("2026-01-02T09:00:00.1Z", restarted=3)], MADE, BOOTED)
    assert [note["what"] for note in found] == ["was restarted by the engine 3 times"]


def test_only_leftovers_of_compose_run_in_our_projects_are_told():
    labels = {"com.docker.compose.project": "aistack_redis", "com.docker.compose.oneoff": "True"}
    other = {"com.docker.compose.project": "other", "com.docker.compose.oneoff": "True"}
    listed = [{"Names": ["/one"], "State": "running", "Labels": found} for found in (labels, other, {})]
    assert [note["name"] for note in strays(listed)] == ["one"]


def test_a_port_is_told_unless_it_is_declared_ours_or_on_loopback():
    holders = [
        holder(22),
        holder(9000, address="127.0.0.1"),
        holder(9001, address="::ffff:127.0.0.1"),
        holder(9002, address="::1"),
        holder(443, app="caddy"),
        holder(8081, process="", container="web"),
        holder(8081, address="::", process="", container="web"),
        holder(9100),
    ]
    assert port_notes(holders, [22, 80, 443]) == [
        {"kind": "port", "name": "tcp/8081", "what": "is open to others at 0.0.0.0, ::: the container web"},
        {"kind": "port", "name": "tcp/9100", "what": "is open to others at 0.0.0.0: nc (pid 7)"},
    ]
