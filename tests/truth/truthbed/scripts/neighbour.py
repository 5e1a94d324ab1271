# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a neighbour gets out of a host: packets for addresses that are not the host's are handed to it on the wire.

Runs on a machine in the same network as the host, as root. Reads its order as JSON from standard input:
{"host": its address, "device": the network device, "port": to knock from, "knocks": [[address, port]]}. It writes Ethernet frames with a TCP SYN for
each address and port to the host's hardware address, so that no routing of its own is in the way, and prints as JSON
{"address:port": "opens" | "refuses"} for those that anything came back from.
"""

from __future__ import annotations

import json
import select
import socket
import struct
import sys
import time
from typing import Any

_IPV4 = 0x0800
_PATIENCE_S = 3.0


def hardware_address(host: str) -> bytes:
    """The host's hardware address; a packet to it makes the kernel ask for that."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as knock:
        knock.settimeout(10)
        knock.connect((host, 22))
        with open("/proc/net/arp", encoding="ascii") as table:
            rows = [line.split() for line in table]
    return bytes.fromhex(next(row[3] for row in rows if row[0] == host).replace(":", ""))


def own_address(device: str, host: str) -> tuple[str, bytes]:
    """This machine's address towards the host, and its hardware address."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as knock:
        knock.connect((host, 9))
        address = knock.getsockname()[0]
    with open(f"/sys/class/net/{device}/address", encoding="ascii") as file:
        return address, bytes.fromhex(file.read().strip().replace(":", ""))


def checksum(data: bytes) -> int:
    """The Internet checksum."""
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def packet(source: str, source_port: int, target: str, port: int) -> bytes:
    """An IPv4 packet with a TCP SYN."""
    ends = socket.inet_aton(source) + socket.inet_aton(target)
    segment = struct.pack("!HHIIBBHHH", source_port, port, 1, 0, 5 << 4, 0x02, 64240, 0, 0)
    mark = checksum(ends + struct.pack("!BBH", 0, socket.IPPROTO_TCP, len(segment)) + segment)
    segment = segment[:16] + struct.pack("!H", mark) + segment[18:]
    header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(segment), 0, 0, 64, socket.IPPROTO_TCP, 0) + ends
    return header[:10] + struct.pack("!H", checksum(header)) + header[12:] + segment


def answer(frame: bytes, source_port: int) -> tuple[str, int, str] | None:
    """(address, port, what it says) of a frame that answers one of ours."""
    if struct.unpack("!H", frame[12:14])[0] != _IPV4 or frame[23] != socket.IPPROTO_TCP:
        return None
    start = 14 + (frame[14] & 15) * 4
    port, to = struct.unpack("!HH", frame[start : start + 4])
    if to != source_port:
        return None
    return socket.inet_ntoa(frame[26:30]), port, "refuses" if frame[start + 13] & 0x04 else "opens"


def main() -> dict[str, Any]:
    """Knock at all and listen for a while."""
    order = json.load(sys.stdin)
    device = order["device"]
    address, hardware = own_address(device, order["host"])
    head = hardware_address(order["host"]) + hardware + struct.pack("!H", _IPV4)
    found = {}
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_IPV4)) as wire:
        wire.bind((device, _IPV4))
        for _try in range(2):
            for target, port in order["knocks"]:
                wire.send(head + packet(address, order["port"], target, port))
            end = time.monotonic() + _PATIENCE_S
            while (left := end - time.monotonic()) > 0:
                if select.select([wire], [], [], left)[0]:
                    told = answer(wire.recv(65535), order["port"])
                    if told and [told[0], told[1]] in order["knocks"]:
                        found[f"{told[0]}:{told[1]}"] = told[2]
    return found


if __name__ == "__main__":
    print(json.dumps(main()))
