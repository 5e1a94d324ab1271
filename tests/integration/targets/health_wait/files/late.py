# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real servers that come up late: late.py start DIRECTORY PORT | stop DIRECTORY.

`start` returns at once. Nothing listens until a file DIRECTORY/asked is there, and then for CLOSED_S more. Then PORT speaks
HTTP, with status 503 for UNREADY_S and 200 afterwards, and PORT + 1 is a real Redis whose password is in
DIRECTORY/password. `stop` ends both.
"""

from __future__ import annotations

import contextlib
import http.server
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

CLOSED_S = 0.5
UNREADY_S = 0.5


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers every GET with the state of the server."""

    def do_GET(self):
        """Tell whether the server has been up for long enough."""
        ready = time.monotonic() - self.server.began > UNREADY_S
        body = b'{"status": "ready", "checks": {"redis": true}}' if ready else b'{"status": "starting"}'
        self.send_response(200 if ready else 503)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        """Keep quiet."""


def serve(directory, port):
    """Be the late servers until a signal ends this."""
    while not (directory / "asked").exists():
        time.sleep(0.02)
    time.sleep(CLOSED_S)
    redis = subprocess.Popen([shutil.which("redis-server"), str(directory / "redis.conf")])
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
    try:
        server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        server.began = time.monotonic()
        server.serve_forever()
    finally:
        redis.terminate()
        redis.wait(10)


def start(directory, port):
    """Start the servers in a process of their own."""
    if not shutil.which("redis-server"):
        raise SystemExit("This needs a real Redis: install the Debian package redis-server.")
    password = (directory / "password").read_text().strip()
    config = directory / "redis.conf"
    config.touch(mode=0o600)
    config.write_text(f'bind 127.0.0.1\nport {port + 1}\nrequirepass {password}\ndir "{directory}"\nsave ""\n')
    command = [sys.executable, __file__, "serve", str(directory), str(port)]
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    (directory / "pid").write_text(str(process.pid))


def stop(directory):
    """End what start() started, and return when it is gone."""
    pid = int((directory / "pid").read_text())
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
        until = time.monotonic() + 20
        while Path(f"/proc/{pid}/cmdline").exists() and b"late.py" in Path(f"/proc/{pid}/cmdline").read_bytes():
            if time.monotonic() > until:
                raise SystemExit(f"Process {pid} does not end.")
            time.sleep(0.05)


if __name__ == "__main__":
    verb, folder, *rest = sys.argv[1:]
    if verb == "start":
        start(Path(folder), int(rest[0]))
    elif verb == "serve":
        serve(Path(folder), int(rest[0]))
    else:
        stop(Path(folder))
