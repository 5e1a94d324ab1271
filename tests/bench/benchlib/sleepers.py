# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many HTTP servers that become ready one after the other, each on a port of its own."""

from __future__ import annotations

import asyncio
import threading
import time


class Sleepers:
    """`count` servers at an address. From the first request on, each answers 503 until its time, and then 200; the times
    lie evenly between 0 and `slowest_s` seconds."""

    def __init__(self, address: str, count: int, slowest_s: float) -> None:
        self.urls: list[str] = []
        self._address = address
        self._delays = [slowest_s * (number + 1) / count for number in range(count)]
        self._began: float | None = None
        self._ready = threading.Event()
        self._stop: asyncio.Event
        self._loop: asyncio.AbstractEventLoop
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    def __enter__(self) -> Sleepers:
        self._thread.start()
        if not self._ready.wait(10):
            raise TimeoutError("The servers did not start within 10 s.")
        return self

    def __exit__(self, *_error: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    @property
    def last_ready(self) -> float:
        """When the slowest was ready, on the clock of time.monotonic()."""
        assert self._began is not None
        return self._began + self._delays[-1]

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        servers = [await asyncio.start_server(self._answer(delay), self._address, 0) for delay in self._delays]
        self.urls = [f"http://{self._address}:{server.sockets[0].getsockname()[1]}/" for server in servers]
        self._ready.set()
        await self._stop.wait()
        for server in servers:
            server.close()

    def _answer(self, delay: float):
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                await reader.readuntil(b"\r\n\r\n")
                self._began = self._began or time.monotonic()
                status = "200 OK" if time.monotonic() >= self._began + delay else "503 Service Unavailable"
                writer.write(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
                await writer.drain()
            except (asyncio.IncompleteReadError, OSError):
                pass  # the asker went away
            finally:
                writer.close()

        return answer
