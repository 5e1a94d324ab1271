# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host as it looks from outside: which ports answer, before, while and after its services are made anew."""

from __future__ import annotations

import contextlib
import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from truthbed.script import HERE, Script, call
from truthbed.stand import BED, Run, Stand

#: What servers on UDP usually are: names, addresses, files, clocks, logs, tunnels, and the numbers of our own services.
UDP = [
    *(53, 67, 68, 69, 111, 123, 137, 138, 161, 162, 389, 443, 500, 514, 1194, 1434, 1900, 2049, 3478),
    *(3900, 3901, 3902, 3903, 3904, 4500, 5001, 5060, 5353, 6379, 7946, 4789, 8080, 11211, 51820),
]
#: Made anew while somebody knocks. docling-serve would only take longer: it is published like Redis, which is not at all.
REMADE = [f"aistack_{name}-1" for name in ("redis-redis", "garage-garage", "gateway-api-gateway", "caddy-caddy")]
BY_HAND = "by-hand"
BY_HAND_PORT = 18079
_IMAGE_OF = "docker inspect --format '{{.Config.Image}}' aistack_redis-redis-1"


class Neighbour:
    """Another machine in the host's networks."""

    def __init__(self, stand: Stand) -> None:
        """Have it up, and both in the private network."""
        self.name = f"{stand.name}-eye"
        self.place = (BED, "run", self.name)
        self._stand = stand
        stand.bed("up", self.name)
        self.address = stand.bed("address", self.name).strip()
        self.host_private = stand.bed("private", stand.name, "on").strip()
        stand.bed("private", self.name, "on")

    def end(self) -> None:
        """Remove it, and pull the host's second plug."""
        self._stand.bed("private", self._stand.name, "off")
        self._stand.bed("down", self.name)

    def hand_over(self, knocks: list[tuple[str, int]]) -> tuple[dict[str, str], int]:
        """Give the host packets on the wire that are for these addresses and ports.

        Returns which were answered, and the port that they came from, another one each time.
        """
        port = 20_000 + secrets.randbelow(40_000)
        order = {"host": self._stand.address, "device": "eth0", "port": port, "knocks": knocks}
        return call(self.place, "neighbour", order), port


@dataclass
class Seen:
    """What answered, as knock.py tells it, by who knocked: the controller, or the neighbour."""

    before: dict[str, Any] = field(default_factory=dict)
    during: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)
    #: What came through to addresses of containers: with the guard, with it taken away by hand, and after the run.
    inner_before: dict[str, str] = field(default_factory=dict)
    inner_unguarded: dict[str, str] = field(default_factory=dict)
    inner_after: dict[str, str] = field(default_factory=dict)
    #: Ports on the host's loopback whose connections the engine took up for the neighbour.
    loopback: dict[str, list[int]] = field(default_factory=dict)
    run: Run | None = None
    by_hand: dict[str, Any] = field(default_factory=dict)


def watch(stand: Stand, neighbour: Neighbour) -> Seen:
    """Knock, make the services anew while knocking, and knock again."""
    seen = Seen()
    places = {"controller": HERE, "neighbour": neighbour.place}
    addresses = [stand.address, neighbour.host_private]
    with _refusals_told(stand):
        seen.before = _knock(places, addresses)
        seen.inner_before = _inner(stand, neighbour)
        seen.loopback["before"] = _taken_up(stand, neighbour)
        stand.on_host("nft delete table inet aistack_guard")
        seen.inner_unguarded = _inner(stand, neighbour)
        seen.loopback["unguarded"] = _taken_up(stand, neighbour)
        made = stand.on_host(
            f"docker run --detach --name {BY_HAND} --publish {BY_HAND_PORT}:6379 $({_IMAGE_OF}) redis-server --protected-mode no"
        ).split()[-1]
        stand.on_host(f"docker rm --force {' '.join(REMADE)}")
        order = {"addresses": addresses, "tcp": "all", "udp": [], "rounds": "until told"}
        knocking = {who: Script(place, "knock", order) for who, place in places.items()}
        seen.run = stand.play()
        seen.during = {who: script.end() for who, script in knocking.items()}
        left = json.loads(stand.on_host(f"docker inspect {BY_HAND}"))[0]
        order = {"addresses": addresses, "tcp": [BY_HAND_PORT], "udp": [], "rounds": "once"}
        seen.by_hand = {"made": made, "left": left, "answers": call(neighbour.place, "knock", order)["tcp"]}
        stand.on_host(f"docker rm --force --volumes {BY_HAND}")
        seen.after = _knock(places, addresses)
        seen.inner_after = _inner(stand, neighbour)
        seen.loopback["after"] = _taken_up(stand, neighbour)
    return seen


@contextlib.contextmanager
def _refusals_told(stand: Stand) -> Iterator[None]:
    """Let the host tell of every closed UDP port: a kernel tells one asker about one a second, and is silent about the rest."""
    limit = stand.on_host("cat /proc/sys/net/ipv4/icmp_ratelimit").strip()
    stand.on_host("echo 0 > /proc/sys/net/ipv4/icmp_ratelimit")
    yield
    stand.on_host(f"echo {limit} > /proc/sys/net/ipv4/icmp_ratelimit")


def _knock(places: dict[str, tuple[str, ...]], addresses: list[str]) -> dict[str, Any]:
    order = {"addresses": addresses, "tcp": "all", "udp": UDP, "rounds": "once"}
    scripts = {who: Script(place, "knock", order) for who, place in places.items()}
    return {who: script.end() for who, script in scripts.items()}


def container_sockets(stand: Stand) -> dict[str, list[int]]:
    """{address: ports} of every socket that waits for others in a container's own network."""
    found = {}
    containers = json.loads(stand.on_host("docker inspect $(docker ps --quiet)"))
    for container in containers:
        for network in container["NetworkSettings"]["Networks"].values():
            if network["IPAddress"]:
                table = stand.on_host(f"nsenter --net --target {container['State']['Pid']} ss -ltnH")
                ports = {int(row.split()[3].rpartition(":")[2]) for row in table.splitlines()}
                found[network["IPAddress"]] = sorted(ports)
    return found


def _inner(stand: Stand, neighbour: Neighbour) -> dict[str, str]:
    """What the neighbour reaches of the containers, and, to see that it can reach anything, of the host itself."""
    knocks = [(address, port) for address, ports in container_sockets(stand).items() for port in ports]
    answered, _port = neighbour.hand_over([*knocks, (stand.address, 22), (stand.address, 443), (stand.address, 81)])
    return answered


def _taken_up(stand: Stand, neighbour: Neighbour) -> list[int]:
    """Ports on loopback for which a packet of the neighbour's made a connection.

    The answer would carry a source address that a bridge between them may not let through, so the kernel's table of
    connections is asked, in which a packet that was dropped leaves nothing.
    """
    table = stand.on_host("ss -ltnH")
    local = [row.split()[3].rpartition(":") for row in table.splitlines()]
    ports = sorted({int(port) for address, _colon, port in local if address.startswith("127.")})
    _answered, source = neighbour.hand_over([("127.0.0.1", port) for port in ports])
    pattern = f"dst=127.0.0.1 sport={source} "
    connections = stand.on_host(f"grep '{pattern}' /proc/net/nf_conntrack", check=False).splitlines()
    return sorted({int(line.split("dport=")[1].split()[0]) for line in connections})


def listening(stand: Stand) -> set[tuple[str, int]]:
    """(protocol, port) of the host's sockets that wait for others on more than loopback."""
    found = set()
    for row in stand.on_host("ss -ltunH").splitlines():
        protocol, _state, _received, _sent, local = row.split()[:5]
        address, _colon, port = local.rpartition(":")
        if not address.startswith(("127.", "[::1]")):
            found.add((protocol, int(port)))
    return found
