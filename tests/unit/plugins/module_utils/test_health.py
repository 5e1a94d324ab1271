# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import socket
import threading
import time

import pytest

from ansible_collections.selfhost.aistack.plugins.module_utils import _health
from ansible_collections.selfhost.aistack.plugins.module_utils._health_command import probe_command
from ansible_collections.selfhost.aistack.plugins.module_utils._health_net import (
    HopelessError,
    NotReadyError,
    probe_tcp,
)

PORT = 20400


class Clock:
    """Time that passes only while the watcher pauses or a probe says that it takes time."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now

    def wait(self, seconds):
        self.now += seconds
        return False


def watch(target, probe, timeout, **more):
    clock = Clock()
    report = _health.Report(target)
    _health.watch(report, lambda *args: probe(clock), timeout, False, stop=clock, clock=clock, **more)
    return report, clock


@pytest.mark.parametrize("ready_at", [0.0, 0.001, 0.05, 0.3, 1.0, 7.77, 59.95])
def test_readiness_is_noticed_within_a_tenth_of_a_second(target, ready_at):
    def probe(clock):
        clock.now += 0.01  # what an attempt takes
        if clock.now - 0.01 < 1000 + ready_at:
            raise NotReadyError("no")

    report, clock = watch(target("tcp"), probe, 60)
    assert report.ready
    assert report.last_error is None
    assert clock.now - 1000 - ready_at <= 0.1


def test_pauses_keep_a_watched_target_from_being_hammered(target):
    def probe(clock):
        raise NotReadyError("no")

    report, clock = watch(target("tcp"), probe, 10)
    assert not report.ready
    assert 10 <= clock.now - 1000 < 10.1
    assert report.tries < 10 / _health.LONGEST_PAUSE + 10


def test_a_target_is_tried_once_even_if_its_time_is_shorter_than_an_attempt(target):
    def probe(clock):
        clock.now += 5
        raise NotReadyError("slow")

    report = watch(target("tcp"), probe, 0.001)[0]
    assert (report.tries, report.last_error) == (1, "slow")


def test_hopeless_ends_at_once(target):
    def probe(clock):
        raise HopelessError("has exited")

    report, clock = watch(target("tcp"), probe, 60)
    assert (report.tries, clock.now, report.hopeless) == (1, 1000.0, True)


def test_a_bug_in_a_probe_is_told_and_not_waited_out(target):
    report = watch(target("tcp"), lambda clock: {}["key"], 60)[0]
    assert report.hopeless
    assert "KeyError" in report.last_error


def test_one_hopeless_target_ends_the_wait_for_all(target):
    began = time.monotonic()
    reports = _health.wait(
        [target("tcp", name="late", port=PORT), target("command", name="gone", argv=["/nonexistent/program"])], 60
    )
    assert time.monotonic() - began < 30
    assert [report.ready for report in reports] == [False, False]
    message = _health.failure(reports)
    assert message.startswith("gone (command) is not ready after 0.0 s and 1 tries: the program /nonexistent/program")
    assert message.endswith("So the wait ended before late became ready.")


def test_all_targets_are_awaited_at_once_and_each_to_its_own_deadline(target):
    began = time.monotonic()
    reports = _health.wait(
        [target("tcp", name=f"t{number}", port=PORT, timeout=0.3 if number else 1.0) for number in range(10)], 60
    )
    assert time.monotonic() - began < 3
    assert reports[0].seconds >= 1.0
    assert all(0.3 <= report.seconds < 1.0 for report in reports[1:])
    assert _health.failure(reports).count("127.0.0.1:20400: the connection is refused.") == 10


def test_a_server_that_starts_late_is_seen_by_its_first_connections(target):
    """By order of events: the second connection a late server gets is never made, because the first was enough."""
    connections = []
    wait_over = threading.Event()

    def serve():
        time.sleep(0.5)
        with socket.create_server(("127.0.0.1", PORT)) as server:
            server.settimeout(0.05)
            while not wait_over.is_set():
                try:
                    connections.append(server.accept()[0])
                except TimeoutError:
                    continue

    server = threading.Thread(target=serve)
    server.start()
    (report,) = _health.wait([target("tcp", port=PORT)], 30)
    wait_over.set()
    server.join()
    for connection in connections:
        connection.close()
    assert report.ready
    assert report.tries > 3
    assert len(connections) == 1


def close_the_first(server):
    server.accept()[0].close()


def test_a_port_that_closes_at_once_is_not_ready(target):
    with socket.create_server(("127.0.0.1", PORT)) as server:
        thread = threading.Thread(target=close_the_first, args=(server,))
        thread.start()
        with pytest.raises(NotReadyError, match="was closed"):
            probe_tcp(target("tcp", port=PORT), 5, False)
        thread.join()


def test_a_silent_port_is_ready(target):
    with socket.create_server(("127.0.0.1", PORT)):
        probe_tcp(target("tcp", port=PORT), 5, False)


def test_check_mode_looks_once_and_runs_no_command(target, tmp_path):
    mark = tmp_path / "ran"
    with socket.create_server(("127.0.0.1", PORT)):
        reports = _health.look(
            [
                target("tcp", port=PORT),
                target("tcp", port=PORT + 1),
                target("command", argv=["touch", str(mark)]),
            ]
        )
    assert [report.ready for report in reports] == [True, False, None]
    assert [report.tries for report in reports] == [1, 1, 0]
    assert not mark.exists()


def test_command_tells_the_program_and_its_last_words_but_not_its_arguments(target):
    with pytest.raises(NotReadyError, match=r"^sh ends with 3 \(second\)$"):
        probe_command(target("command", argv=["sh", "-c", "echo first; echo second >&2; exit 3"]), 5, False)
    probe_command(target("command", argv=["true"]), 5, False)


def test_command_that_hangs_is_ended_with_its_children(target):
    began = time.monotonic()
    with pytest.raises(NotReadyError, match=r"did not end within 0.2 s"):
        probe_command(target("command", argv=["sh", "-c", "sleep 60 & sleep 60"]), 0.2, False)
    assert time.monotonic() - began < 10


@pytest.mark.parametrize(
    ("kind", "options", "sentence"),
    [
        ("tcp", {}, "targets, it: port is missing; kind tcp needs port."),
        ("tcp", {"port": 0}, "targets, it: port is 0; a port is 1 to 65535."),
        ("tcp", {"port": 1, "url": "http://x"}, "targets, it: url is not used by kind tcp; it takes port, host."),
        ("http", {"url": "localhost:8080"}, "targets, it: url is not a URL; write http://HOST or https://HOST, with :PORT if it needs one."),
        ("http", {"url": "http://u:secret@h:99999"}, "targets, it: url is not a URL; write http://HOST or https://HOST, with :PORT if it needs one."),
        ("http", {"url": "http://h", "timeout": 0.0}, "targets, it: timeout is 0; give seconds above 0."),
        ("http", {"url": "http://h", "headers": {"X": "secret\nY: 1"}}, "targets, it: a header contains a line break; give each header on one line."),
        ("container", {}, "targets, it: give either container, or project with or without service."),
        ("container", {"container": "a", "project": "b"}, "targets, it: give either container, or project with or without service."),
        ("container", {"container": "a", "service": "b"}, "targets, it: service is b without project; name the compose project too."),
        ("command", {"argv": []}, "targets, it: argv is missing; kind command needs argv."),
        (
            "s3",
            {"endpoint": "http://h", "region": "r", "bucket": "b", "access_key": "k"},
            "targets, it: secret_key is missing; kind s3 needs endpoint, region, bucket, access_key, secret_key.",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_one_sentence(target, kind, options, sentence):
    assert _health.problems([target(kind, **options)], 120) == [sentence]


def test_names_must_differ_and_the_deadline_must_be_positive(target):
    assert _health.problems([target("redis"), target("redis")], 0) == [
        "timeout is 0; give seconds above 0.",
        "targets has the name it 2 times; give each target a name of its own.",
    ]
