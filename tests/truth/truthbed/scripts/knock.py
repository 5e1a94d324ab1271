# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Knocks at ports from where it runs.

Reads its order as JSON from standard input and prints what answered as JSON.

addresses  IPv4 addresses to knock at
tcp        list of ports, or "all"
udp        list of ports
rounds     "once", or "until told": TCP again and again, until standard input ends after its first line

{"tcp": {address: open ports}, "silent": {address: ports that neither opened nor refused}, "rounds": number,
 "udp": {address: {port: "answers" | "closed" | "silent"}}}
A UDP port is closed if the machine says so (ICMP). One that is silent may be open, or behind a firewall that throws
packets away: from outside nobody can tell.
"""

from __future__ import annotations

import errno
import json
import select
import socket
import sys
import time
from typing import Any

_AT_ONCE = 400
_PATIENCE_S = 4.0
_UDP_PATIENCE_S = 3.0
#: Bytes that make a server of a port's protocol answer.
_GREETINGS = {
    53: b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x07version\x04bind\x00\x00\x10\x00\x03",
    69: b"\x00\x01file\x00octet\x00",
    123: b"\x1b" + bytes(47),
    1900: b'M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: "ssdp:discover"\r\nMX: 1\r\nST: ssdp:all\r\n\r\n',
    3478: b"\x00\x01\x00\x00\x21\x12\xa4\x42" + bytes(12),
}
# QUIC: a long header with a version that nobody speaks, which a server must answer with those that it does.
_QUIC = b"\xc0\x0a\x0a\x0a\x0a\x08" + bytes(range(8)) + b"\x08" + bytes(range(8)) + bytes(1200)


def tcp(address: str, ports: Any) -> tuple[set[int], set[int]]:
    """The ports of an address that accept, and those that stay silent, after a second try."""
    accepted, silent = _tcp_once(address, ports)
    if silent:
        more, silent = _tcp_once(address, sorted(silent))
        accepted |= more
    return accepted, silent


def _tcp_once(address: str, ports: Any) -> tuple[set[int], set[int]]:
    accepted: set[int] = set()
    silent: set[int] = set()
    waiting: dict[int, tuple[socket.socket, int, float]] = {}
    poll = select.epoll()
    todo = iter(ports)
    more = True
    while more or waiting:
        while more and len(waiting) < _AT_ONCE:
            port = next(todo, None)
            if port is None:
                more = False
                break
            knock = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
            code = knock.connect_ex((address, port))
            if code == errno.EINPROGRESS:
                poll.register(knock, select.EPOLLOUT | select.EPOLLERR | select.EPOLLHUP)
                waiting[knock.fileno()] = (knock, port, time.monotonic() + _PATIENCE_S)
                continue
            if code == 0:
                accepted.add(port)
            elif code != errno.ECONNREFUSED:
                silent.add(port)
            knock.close()
        for number, _events in poll.poll(0.05):
            knock, port, _end = waiting.pop(number)
            code = knock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if code == 0:
                accepted.add(port)
            elif code != errno.ECONNREFUSED:
                silent.add(port)
            knock.close()
        now = time.monotonic()
        for number in [number for number, (_knock, _port, end) in waiting.items() if end < now]:
            knock, port, _end = waiting.pop(number)
            silent.add(port)
            knock.close()
    poll.close()
    return accepted, silent


def udp(address: str, ports: list[int]) -> dict[int, str]:
    """What became of a packet, or three, to each port."""
    knocks = {}
    for port in ports:
        knocks[port] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        knocks[port].connect((address, port))
        knocks[port].settimeout(0)
    found: dict[int, str] = {}
    for _try in range(3):
        for port, knock in knocks.items():
            if port not in found:
                _send(knock, _QUIC if port == 443 else _GREETINGS.get(port, b"\r\n\r\n"))
        end = time.monotonic() + _UDP_PATIENCE_S / 3
        while time.monotonic() < end and len(found) < len(knocks):
            for port, knock in knocks.items():
                if port not in found:
                    told = _hear(knock)
                    if told:
                        found[port] = told
            time.sleep(0.02)
    for knock in knocks.values():
        knock.close()
    return {port: found.get(port, "silent") for port in ports}


def _send(knock: socket.socket, data: bytes) -> None:
    try:
        knock.send(data)
    except ConnectionRefusedError:
        # The refusal of the packet before this one, which _hear() would have told next.
        knock.send(data)


def _hear(knock: socket.socket) -> str:
    try:
        knock.recv(2048)
    except BlockingIOError:
        return ""
    except ConnectionRefusedError:
        return "closed"
    return "answers"


def main() -> dict[str, Any]:
    """Knock as the order says."""
    order = json.loads(sys.stdin.readline())
    ports = range(1, 65536) if order["tcp"] == "all" else order["tcp"]
    accepted: dict[str, set[int]] = {address: set() for address in order["addresses"]}
    silent: dict[str, set[int]] = {address: set() for address in order["addresses"]}
    rounds = 0
    while True:
        for address in order["addresses"]:
            now, quiet = tcp(address, ports)
            accepted[address] |= now
            silent[address] |= quiet
        rounds += 1
        if order["rounds"] == "once" or select.select([sys.stdin], [], [], 0)[0]:
            break
    return {
        "tcp": {address: sorted(found) for address, found in accepted.items()},
        "silent": {address: sorted(found) for address, found in silent.items()},
        "rounds": rounds,
        "udp": {address: udp(address, order["udp"]) for address in order["addresses"]},
    }


if __name__ == "__main__":
    print(json.dumps(main()))
