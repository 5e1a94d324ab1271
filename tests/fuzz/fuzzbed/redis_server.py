# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real Redis that reads a configuration."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import redis

_PATIENCE_S = 20


class RedisServer:
    """Redis with a configuration file's text, on a unix socket in `folder` and nowhere else; without data."""

    def __init__(self, folder: Path, configuration: str) -> None:
        """Start it; ValueError with its words where it does not take the configuration."""
        self._socket = folder / "redis.sock"
        file = folder / "redis.conf"
        file.write_text(
            f'port 0\nunixsocket {self._socket}\ndir {folder}\nsave ""\ndaemonize no\n{configuration}', encoding="utf-8"
        )
        self._log = folder / "redis.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                ["redis-server", str(file)], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        deadline = time.monotonic() + _PATIENCE_S
        while not self._listens():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise ValueError(self._log.read_text(errors="replace")[-1500:])
            time.sleep(0.005)

    def _listens(self) -> bool:
        try:
            self.client(b"").ping()
        except redis.AuthenticationError:
            return True
        except redis.ConnectionError:
            return False
        return True

    def client(self, password: bytes, user: str | None = None) -> redis.Redis:
        """A client that signs in with a password when it asks for the first time."""
        return redis.Redis(
            unix_socket_path=str(self._socket), username=user, password=password or None, retry=None, protocol=2
        )

    def lets_in(self, password: str, user: str | None = None) -> bool:
        """Whether it takes a password."""
        with self.client(password.encode(), user) as client:
            try:
                return bool(client.ping())
            except redis.AuthenticationError:
                return False

    def stop(self) -> None:
        """End it; it has nothing to lose."""
        self._process.kill()
        self._process.wait()
        self._socket.unlink(missing_ok=True)
