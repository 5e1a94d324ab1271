# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real redis-server."""

import shutil
import socket
from pathlib import Path

from gatewaybed.process import Process, bare_environment

PASSWORD = "p@ss/word:redis"


class RedisServer:
    """Redis with a password and an append-only file, so that it may be stopped and started over the same data."""

    def __init__(self, folder: Path, port: int) -> None:
        folder.mkdir()
        self.folder, self.port = folder, port
        self.url = f"redis://:p%40ss%2Fword%3Aredis@127.0.0.1:{port}/0"
        self.config = folder / "redis.conf"
        self.config.write_text(
            f"bind 127.0.0.1\nport {port}\ndir {folder}\nrequirepass {PASSWORD}\nappendonly yes\nappendfsync always\n"
        )
        self.start()

    def start(self) -> None:
        """Start it over what is there."""
        binary = shutil.which("redis-server")
        assert binary, "There is no redis-server to test with: install the Debian package redis-server."
        self.process = Process([binary, str(self.config)], self.folder / "log", bare_environment(), self._listens)

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self) -> None:
        """End it; the data stays."""
        self.process.stop()
