# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ports, waiting, and a client that shows exactly what went over the wire."""

from __future__ import annotations

import http.client
import itertools
import socket
import ssl
import time
from collections.abc import Callable

LOOPBACK = "127.0.0.1"
_ports = itertools.cycle(range(20600, 20650))


def free_port() -> int:
    """A port of this machine's loopback that nobody listens on, neither TCP nor UDP."""
    for _try in range(50):
        port = next(_ports)
        try:
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                with socket.socket(socket.AF_INET, kind) as sock:
                    sock.bind((LOOPBACK, port))
        except OSError:
            continue
        return port
    raise AssertionError("The ports 20600 to 20649 are all in use.")


def wait_until(what: str, condition: Callable[[], bool], seconds: float = 20.0) -> None:
    """Return as soon as the condition holds; fail with `what` after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"Waited {seconds} s in vain: {what}."
        time.sleep(0.02)


def listens(port: int, host: str = LOOPBACK) -> bool:
    """Whether a TCP port accepts connections."""
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True


class Answer:
    """Status, headers and body of a response."""

    def __init__(self, response: http.client.HTTPResponse):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def text(self) -> str:
        return self.body.decode()


def connect(
    port: int, name: str | None = None, trust: str | None = None, context: ssl.SSLContext | None = None
) -> ssl.SSLSocket:
    """A TLS connection to this machine. name: sent as SNI and checked; None sends none and checks the chain alone."""
    context = context or ssl.create_default_context(cafile=trust)
    if name is None:
        context.check_hostname = False
    return context.wrap_socket(socket.create_connection((LOOPBACK, port), timeout=30), server_hostname=name)


def ask(
    port: int,
    path: str,
    method: str = "GET",
    headers: dict[str, str] | None = None,
    body: bytes | None = None,
    name: str | None = None,
    trust: str | None = None,
) -> Answer:
    """One request with the path as it is given. name: the site; trust: a file with its authority, None for plain HTTP."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=30)
    if trust:
        connection.sock = connect(port, name, trust)
    try:
        connection.request(method, path, body=body, headers={"Host": name or LOOPBACK, **(headers or {})})
        return Answer(connection.getresponse())
    finally:
        connection.close()
