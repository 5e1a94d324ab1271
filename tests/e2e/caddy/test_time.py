# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requests that take their time, and changes while they run."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from caddybed.net import wait_until

# Longer than Caddy's own limits of a minute between two parts of a request or an answer.
PAUSE = 65


def curl(edge, path, *options):
    """The whole body that curl gets."""
    command = ["curl", "--silent", "--show-error", "--fail", "--no-buffer", "--cacert", edge.root]
    command += ["--resolve", f"{edge.authority}:127.0.0.1", *options, f"https://{edge.authority}{path}"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_long_requests_are_not_cut(edge):
    stream, slow = f"/stream?count=2&gap={PAUSE}", f"/slow?seconds={PAUSE}"
    body = ["--data-binary", "x" * 5000]
    with ThreadPoolExecutor(6) as pool:
        runs = {
            (path, version): pool.submit(curl, edge, path, f"--http{version}", *(body if path == slow else []))
            for path in (stream, slow)
            for version in ("1.1", "2")
        }
        for (path, version), run in runs.items():
            assert ("data: 1 " if path == stream else "{}") in run.result(), (path, version)


def _during(edge, upstream, path, action):
    """Run an action while a request is under way, and return the request's answer."""
    upstream.seen.clear()
    answers = []
    thread = threading.Thread(target=lambda: answers.append(edge.ask(path, "POST", body=b"x")))
    thread.start()
    wait_until("the request arrives", lambda: upstream.seen)
    action()
    thread.join(60)
    return answers[0]


def test_a_reload_cuts_nothing(edge, upstream):
    def reload():
        edge.render(caddy_tls_closed_paths=["/echo"])
        assert edge.reload().returncode == 0
        assert edge.ask("/echo").status == 404

    # The stream goes on for longer than the grace period of 1 s.
    answer = _during(edge, upstream, "/stream?count=8&gap=1", reload)
    assert answer.text.count("data: ") == 8
    edge.render(caddy_tls_closed_paths=[])
    assert edge.reload().returncode == 0
    assert edge.ask("/echo").status == 200


def test_an_end_waits_for_requests(new_edge, upstream):
    edge = new_edge(caddy_tls_grace=20).start()
    answer = _during(edge, upstream, "/slow?seconds=3", lambda: edge.process.send_signal(signal.SIGTERM))
    assert answer.status == 200
    started = time.monotonic()
    edge.process.wait(10)
    assert time.monotonic() - started < 5
    assert edge.service["stop_grace_period"] == "30s"


def test_a_broken_caddyfile_changes_nothing(edge):
    good = (edge.etc / "Caddyfile").read_text()
    (edge.etc / "Caddyfile").write_text(good.replace("reverse_proxy", "reverse_prox"))
    assert edge.caddy("validate", *edge.config).returncode != 0
    assert edge.reload().returncode != 0
    assert edge.ask("/echo").status == 200
    (edge.etc / "Caddyfile").write_text(good)
