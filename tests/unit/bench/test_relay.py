# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import socket
import threading
import time

import pytest
from benchlib.latency import line
from benchlib.relay import relayed


@pytest.fixture
def echo():
    """The address of a server that sends back what it gets, until the other side has ended."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _address = server.accept()
            with connection:
                while data := connection.recv(65536):
                    connection.sendall(data)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()
        thread.join(10)


def _read(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = connection.recv(65536)
        assert piece, f"the connection ended after {len(data)} of {size} bytes"
        data += piece
    return data


def test_each_exchange_takes_the_round_trip(echo) -> None:
    with relayed(echo, 0.1) as port, socket.create_connection(("127.0.0.1", port)) as connection:
        began = time.monotonic()
        for number in range(3):
            connection.sendall(b"%d" % number)
            assert _read(connection, 1) == b"%d" % number
        assert time.monotonic() - began >= 0.3


def test_what_is_sent_without_waiting_for_an_answer_is_delayed_once(echo) -> None:
    sent = os.urandom(3_000_000)
    with relayed(echo, 1.0) as port, socket.create_connection(("127.0.0.1", port)) as connection:
        began = time.monotonic()
        sender = threading.Thread(target=connection.sendall, args=(sent,))
        sender.start()
        assert _read(connection, len(sent)) == sent
        sender.join()
        # Piece after piece would take a second for each of at least 45 pieces.
        assert 1.0 <= time.monotonic() - began < 20


def test_the_end_of_a_stream_is_passed_on(echo) -> None:
    with relayed(echo, 0.02) as port, socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(b"last words")
        connection.shutdown(socket.SHUT_WR)
        assert _read(connection, 10) == b"last words"
        assert connection.recv(1) == b""


def test_the_line_through_points_on_a_line_is_that_line() -> None:
    a, b = line({rtt: 4.5 + 31 * rtt for rtt in (0.0, 0.02, 0.1)})
    assert (round(a, 6), round(b, 6)) == (4.5, 31.0)
