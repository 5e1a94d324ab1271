# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Counts what the engine does, and at the event of a given number kills the job that has it done, its programs too.

That cuts `docker compose` between any two of its own steps. Beside aistack_cut.py, in whose folder it writes each event into
events and finds in log which process runs the job. Ends when that folder is gone. Runs on test hosts as root.

Usage: python3 engine_events.py NUMBER (0: only count)
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sys
import time
from urllib.parse import quote

FOLDER = "/run/aistack-cut"
DOCKER_SOCKET = "/var/run/docker.sock"
COUNTED = {
    "container": {"create", "start", "kill", "die", "stop", "destroy", "rename"},
    "network": {"create"},
    "volume": {"create"},
    "image": {"pull", "tag"},
}


def main():
    """Follow the engine, also over its restarts, as long as the folder is there."""
    wanted, seen = int(sys.argv[1]), 0
    with open(os.path.join(FOLDER, "watching"), "w", encoding="utf-8"):
        pass
    while os.path.isdir(FOLDER):
        with contextlib.suppress(OSError):
            for event in events():
                words = f"{event['Type']} {event['Action']} {event['Actor'].get('Attributes', {}).get('name', '')}"
                if event["Action"] not in COUNTED.get(event["Type"], ()):
                    continue
                seen += 1
                with open(os.path.join(FOLDER, "events"), "a", encoding="utf-8") as handle:
                    handle.write(words + "\n")
                if seen == wanted:
                    kill_job()
        time.sleep(0.05)


def events():
    """The engine's events from now on, until it ends or the folder is gone."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as engine:
        engine.settimeout(0.2)
        engine.connect(DOCKER_SOCKET)
        filters = quote(json.dumps({"type": sorted(COUNTED)}))
        # HTTP/1.0: the answer comes without being cut into chunks.
        engine.sendall(f"GET /events?filters={filters} HTTP/1.0\r\nHost: docker\r\n\r\n".encode())
        data = b""
        while os.path.isdir(FOLDER):
            try:
                more = engine.recv(65536)
            except TimeoutError:
                continue
            if not more:
                return
            *lines, data = (data + more).split(b"\n")
            for line in lines:
                if line.startswith(b"{"):
                    yield json.loads(line)


def kill_job():
    """End the process group of the job that ran `docker compose` last; it is the leader of a session of its own."""
    with open(os.path.join(FOLDER, "log"), encoding="utf-8") as handle:
        entries = [json.loads(line) for line in handle]
    running = [entry["pid"] for entry in entries if entry["label"].startswith("run docker compose")]
    with contextlib.suppress(ProcessLookupError):
        if running and os.getpgid(running[-1]) == running[-1]:
            os.killpg(running[-1], signal.SIGKILL)


if __name__ == "__main__":
    main()
