# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A TCP relay that delays: what a longer way to a machine does to time, without the machine being far.

Each direction holds every piece of data back for half of the round trip, in order, and passes on as much as comes.
Only data is delayed: the connection itself is accepted at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator

_PIECE = 65536


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay_s: float) -> None:
    """Pass on what comes, each piece delay_s after it came, until the end of the stream."""
    loop = asyncio.get_running_loop()
    pieces: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def receive() -> None:
        data = b"-"
        while data:
            data = await reader.read(_PIECE)
            pieces.put_nowait((loop.time() + delay_s, data))

    async def send() -> None:
        while True:
            due, data = await pieces.get()
            if due > loop.time():
                await asyncio.sleep(due - loop.time())
            if not data:
                writer.write_eof()
                return
            writer.write(data)
            await writer.drain()

    await asyncio.gather(receive(), send())


async def _serve(target: tuple[str, int], rtt_s: float, ready, stop: asyncio.Event) -> None:
    """Relay connections to the target until `stop`; `ready` gets the port."""

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(*target)
        # A connection that is cut on one side is cut on the other; its owner learns it from its own side.
        with contextlib.suppress(OSError):
            await asyncio.gather(_carry(reader, far_writer, rtt_s / 2), _carry(far_reader, writer, rtt_s / 2))
        far_writer.close()
        writer.close()

    server = await asyncio.start_server(relay, "127.0.0.1", 0)
    ready(server.sockets[0].getsockname()[1])
    await stop.wait()
    server.close()
    connections = asyncio.all_tasks() - {asyncio.current_task()}
    for connection in connections:
        connection.cancel()
    await asyncio.gather(*connections, return_exceptions=True)


@contextlib.contextmanager
def relayed(target: tuple[str, int], rtt_s: float) -> Iterator[int]:
    """A port on this machine's loopback from which the target is `rtt_s` farther away than it is."""
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()
    port: list[int] = []
    started = threading.Event()

    def ready(number: int) -> None:
        port.append(number)
        started.set()

    def run() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            loop.run_until_complete(_serve(target, rtt_s, ready, stop))
        loop.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    if not started.wait(10):
        raise TimeoutError("The relay did not start within 10 s.")
    try:
        yield port[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
