# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The bed's network: a bridge in the range reserved for benchmarks, so that no address can be anybody's LAN."""

from __future__ import annotations

import hashlib
import json
import re

from .engine import docker
from .paths import GATEWAY, LABEL, NETWORK, NETWORK6, PREFIX6, PRIVATE_NETWORK, PRIVATE_SUBNET, SUBNET
from .say import BedError, say
from .shell import alone, output, works

_PREFIX = SUBNET.rpartition(".")[0]


def ensure() -> None:
    """Have the bed's network."""
    if works([docker(), "network", "inspect", NETWORK]):
        return
    with alone("network"):
        if not works([docker(), "network", "inspect", NETWORK]):
            _remove_orphans()
            say(f"network: making {NETWORK} ({SUBNET})")
            output([docker(), "network", "create", "--label", LABEL, "--subnet", SUBNET, "--gateway", GATEWAY, NETWORK])


def _remove_orphans() -> None:
    """Remove bridges with the bed's address that no engine knows: one that died and lost its state leaves them behind.

    Two bridges with one address split the bed in two halves that do not reach each other.
    """
    for link in json.loads(output(["ip", "-json", "address", "show", "type", "bridge"])):
        if GATEWAY in [address["local"] for address in link["addr_info"]]:
            say(f"network: removing the bridge {link['ifname']}, which belongs to no network of the engine")
            output(["ip", "link", "delete", link["ifname"]])


def ensure_private() -> None:
    """Have the private network. It leads nowhere else, so that no host takes it for the way to the world."""
    with alone("network"):
        if not works([docker(), "network", "inspect", PRIVATE_NETWORK]):
            say(f"network: making {PRIVATE_NETWORK} ({PRIVATE_SUBNET})")
            place = ["--internal", "--subnet", PRIVATE_SUBNET]
            output([docker(), "network", "create", "--label", LABEL, *place, PRIVATE_NETWORK])


def private_address(address: str) -> str:
    """Return the address on the private network of a host that has this one on the bed's."""
    return f"{PRIVATE_SUBNET.rpartition('.')[0]}.{address.rpartition('.')[2]}"


def ensure_ipv6() -> None:
    """Have the bed's network with IPv6."""
    with alone("network"):
        if not works([docker(), "network", "inspect", NETWORK6]):
            say(f"network: making {NETWORK6} ({PREFIX6}/64)")
            make = [docker(), "network", "create", "--label", LABEL, "--ipv6", "--subnet", f"{PREFIX6}/64"]
            output([*make, "--gateway", f"{PREFIX6}1", NETWORK6])


def ipv6_address(address: str) -> str:
    """Return the address with IPv6 of a host that has this one on the bed's."""
    return f"{PREFIX6}{address.rpartition('.')[2]}"


def remove() -> None:
    """Remove the bed's networks."""
    for network in (NETWORK, PRIVATE_NETWORK, NETWORK6):
        if works([docker(), "network", "inspect", network]):
            output([docker(), "network", "rm", network])
            say(f"network: {network} removed")


def attach(container: str, name: str, address: str, network: str = NETWORK) -> None:
    """Plug a container in under its name and address; a container that is plugged in stays as it is."""
    if not attached(container, network):
        option = "--ip6" if ":" in address else "--ip"
        output([docker(), "network", "connect", option, address, "--alias", name, network, container])


def detach(container: str, network: str = NETWORK) -> None:
    """Pull a container's plug."""
    if attached(container, network):
        output([docker(), "network", "disconnect", network, container])


def attached(container: str, network: str = NETWORK) -> bool:
    """Tell whether a container is plugged in."""
    found = output([docker(), "inspect", "--format", "{{json .NetworkSettings.Networks}}", container])
    return network in json.loads(found)


def address_for(name: str, taken: set[str]) -> str:
    """Return the address of a host: vm1 to vm89 follow their number, other names a digest of the name."""
    number = re.fullmatch(r"vm([1-9]|[1-8][0-9])", name)
    if number:
        return f"{_PREFIX}.{10 + int(number[1])}"
    first = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4])
    for offset in range(150):
        address = f"{_PREFIX}.{101 + (first + offset) % 150}"
        if address not in taken:
            return address
    raise BedError("The bed has 150 hosts already; take some down with 'bed down NAME'.")
