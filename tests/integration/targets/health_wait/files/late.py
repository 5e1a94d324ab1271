# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real servers that come up late: late.py DIRECTORY PORT CONTAINER.

Nothing listens until the file DIRECTORY/asked is there, and then for CLOSED_S more. Then CONTAINER is started, and PORT
speaks HTTP, with status 503 for UNREADY_S and 200 afterwards. Runs until it is ended; DIRECTORY/pid has its number.
"""

from __future__ import annotations

import http.server
import os
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


def main(directory, port, container):
    """Wait until somebody asks, then serve."""
    (directory / "pid").write_text(str(os.getpid()))
    while not (directory / "asked").exists():
        time.sleep(0.02)
    time.sleep(CLOSED_S)
    subprocess.run(["docker", "start", container], check=True)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.began = time.monotonic()
    server.serve_forever()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
