# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The two services of the bed's network, each in a container: the registry of images and the name server."""

from __future__ import annotations

import time
import urllib.request

from . import build, containers, net
from .engine import docker
from .paths import DNS_ADDRESS, NETWORK, REGISTRY_ADDRESS, REGISTRY_PUSH, SUBNET
from .say import BedError, say
from .shell import alone, output

_VOLUME = "aistack-bed-registry"
_READY_S = 20.0


def ensure() -> None:
    """Have the network, the registry and the name server run."""
    net.ensure()
    with alone("services"):
        _run("registry", REGISTRY_ADDRESS, ["docker-registry", "serve", "/etc/bed-registry.yml"], _registry_options())
        _run("dns", DNS_ADDRESS, ["dnsmasq", "--keep-in-foreground", "--user=root", "--log-facility=-"], [])
    _wait_for_registry()


def _registry_options() -> list[str]:
    """Return the registry's volume, which outlives it, and its port on this machine's loopback."""
    return ["--volume", f"{_VOLUME}:/var/lib/registry", "--publish", f"{REGISTRY_PUSH}:5000"]


def _run(name: str, address: str, command: list[str], options: list[str]) -> None:
    """Have one service run at its address; one that stopped, as after the engine's death, is started again."""
    found = containers.all_of("service").get(name)
    if found and found.state == "running":
        return
    if found:
        containers.remove(found)
    say(f"{name}: starting at {address} ({SUBNET})")
    image = build.build("services", build.base())
    marks = containers.labels("service", address)
    place = ["--name", containers.PREFIX + name, "--network", NETWORK, "--ip", address, "--network-alias", name]
    output([docker(), "run", "--detach", *marks, *place, *options, image, *command])


def _wait_for_registry() -> None:
    """Wait until the registry answers on this machine."""
    end = time.monotonic() + _READY_S
    while True:
        try:
            with urllib.request.urlopen(f"http://{REGISTRY_PUSH}/v2/", timeout=2):
                return
        except OSError as error:
            if time.monotonic() > end:
                raise BedError(
                    f"The registry does not answer on {REGISTRY_PUSH} after {_READY_S:.0f} s: {error}"
                ) from error
            time.sleep(0.05)


def remove() -> None:
    """Remove both services; what was pushed stays in the volume."""
    for container in containers.all_of("service").values():
        containers.remove(container)
        say(f"{container.name}: removed")
