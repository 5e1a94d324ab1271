# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real Caddy that says what it makes of a Caddyfile, without using it."""

from __future__ import annotations

import functools
import http.client
import json
import os
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

_PATIENCE_S = 20


class Caddy:
    """The program with nothing but its admin interface, on a unix socket in `folder`."""

    def __init__(self, folder: Path) -> None:
        """Start it."""
        self._socket, self._file = folder / "admin.sock", folder / "Caddyfile"
        self._program = os.environ["AISTACK_CADDY"]
        self._environment = {
            **os.environ,
            "CADDY_ADMIN": f"unix/{self._socket}",
            "XDG_DATA_HOME": str(folder),
            "XDG_CONFIG_HOME": str(folder),
        }
        with (folder / "log").open("wb") as log:
            self._process = subprocess.Popen([self._program, "run"], env=self._environment, stdout=log, stderr=log)
        deadline = time.monotonic() + _PATIENCE_S
        while not self._answers():
            assert self._process.poll() is None and time.monotonic() < deadline, (folder / "log").read_text()
            time.sleep(0.02)

    def _answers(self) -> bool:
        try:
            return bool(self._ask("GET", "/config/", b""))
        except OSError:
            return False

    def _ask(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("localhost", timeout=_PATIENCE_S)
        connection.sock = socket.socket(socket.AF_UNIX)
        with connection.sock:
            connection.sock.connect(str(self._socket))
            connection.request(method, path, body, {"Content-Type": "text/caddyfile"})
            answer = connection.getresponse()
            return answer.status, answer.read()

    @functools.lru_cache  # noqa: B019 - lives as long as the tests of one file
    def adapt(self, caddyfile: str) -> Any:
        """The JSON configuration that a Caddyfile stands for; ValueError with Caddy's words where it refuses it."""
        status, answer = self._ask("POST", "/adapt", caddyfile.encode())
        if status != 200:
            raise ValueError(answer.decode(errors="replace"))
        return json.loads(answer)["result"]

    def validate(self, caddyfile: str) -> str:
        """What `caddy validate` has against a Caddyfile, which it takes as far as a start without listening; or nothing."""
        self._file.write_text(caddyfile, encoding="utf-8")
        command = [self._program, "validate", "--config", str(self._file), "--adapter", "caddyfile"]
        done = subprocess.run(command, env=self._environment, capture_output=True, text=True, check=False)
        return done.stderr[-2000:] if done.returncode else ""

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait(timeout=_PATIENCE_S)
