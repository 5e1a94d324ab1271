# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A double of the application behind Caddy: says what it received, streams, and takes its time."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from .net import LOOPBACK


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "double"

    def log_message(self, *args: object) -> None:
        """Say nothing."""

    def _read(self) -> int:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return len(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        total = 0
        while size := int(self.rfile.readline(), 16):
            total += len(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return total

    def _send(
        self, body: bytes, status: int = 200, kind: str = "application/json", headers: dict[str, str] | None = None
    ) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _answer(self) -> None:
        size = self._read()
        url = urlsplit(self.path)
        query = {
            key: float(values[0]) for key, values in parse_qs(url.query).items() if key in ("count", "gap", "seconds")
        }
        self.server.seen.append((self.command, self.path))
        if url.path == "/stream":
            self._stream(int(query["count"]), query["gap"])
        elif url.path == "/slow":
            self.server.stopping.wait(query["seconds"])
            self._send(b"{}")
        elif url.path == "/page":
            headers = {
                "Content-Security-Policy": "default-src 'self'",
                "Referrer-Policy": "no-referrer",
                "X-Content-Type-Options": "x",
            }
            self._send(b"<p>" + b"words " * 400, kind="text/html", headers=headers)
        elif url.path == "/api/v1/auth/me":
            inside = "session=good" in self.headers.get("Cookie", "")
            self._send(b"{}" if inside else b'{"detail":"no session"}', 200 if inside else 401)
        else:
            echo = {"method": self.command, "path": self.path, "size": size, "headers": self.headers.items()}
            self._send(json.dumps(echo).encode(), headers={"Set-Cookie": "session=secret-set-cookie"})

    def _stream(self, count: int, gap: float) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        for number in range(count):
            self.server.stopping.wait(gap if number else 0)
            self.wfile.write(f"data: {number} {time.monotonic()}\n\n".encode())
            self.wfile.flush()
        self.close_connection = True

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_OPTIONS = _answer  # noqa: N815 - the names are http.server's


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, *args: object):
        self.open: set[socket.socket] = set()
        super().__init__(*args)

    def process_request(self, request: socket.socket, client_address: object) -> None:
        self.open.add(request)
        super().process_request(request, client_address)

    def close_request(self, request: socket.socket) -> None:
        self.open.discard(request)
        super().close_request(request)

    def handle_error(self, *args: object) -> None:
        """Connections that Caddy cuts are part of the tests."""


class Upstream:
    """The double on a port; it can be stopped and started again. `seen` lists (method, path) of what arrived."""

    def __init__(self, port: int):
        self.port = port
        self.seen: list[tuple[str, str]] = []
        self.start()

    def start(self) -> None:
        self._server = _Server((LOOPBACK, self.port), _Handler)
        self._server.seen = self.seen
        self._server.stopping = threading.Event()
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self) -> None:
        self._server.stopping.set()
        self._server.shutdown()
        self._server.server_close()
        for connection in list(self._server.open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
