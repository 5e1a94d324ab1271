# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of a converged host share: the services there must be, and what the engine says about their containers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

ROLES = Path(__file__).resolve().parents[2] / "roles"


@dataclass(frozen=True)
class Service:
    """A service of the stack.

    name: its name in its compose file; app: its folder below /opt/aistack; role: the role whose variables describe it;
    capabilities: the kernel's bits that it may have; read_only: whether nothing can be written outside its mounts.
    """

    name: str
    app: str
    role: str
    capabilities: int = 0
    read_only: bool = True

    @property
    def container(self) -> str:
        """The container's name."""
        return f"aistack_{self.app}-{self.name}-1"


SERVICES = (
    Service("redis", "redis", "redis"),
    Service("garage", "garage", "garage_storage"),
    # Its image keeps caches of its libraries in its root.
    Service("docling-serve", "docling", "docling", read_only=False),
    Service("api-gateway", "gateway", "gateway"),
    # CAP_NET_BIND_SERVICE, for the ports 80 and 443.
    Service("caddy", "caddy", "caddy_tls", capabilities=1 << 10),
)


@pytest.fixture(scope="module")
def containers(host) -> dict[str, dict]:
    """Every container of the host by name, running or not, as the engine shows it."""
    with host.sudo():
        names = host.check_output("docker ps --all --format '{{.Names}}'").split()
        listed = json.loads(host.check_output(f"docker inspect {' '.join(names)}"))
    return {container["Name"].lstrip("/"): container for container in listed}


@pytest.fixture(params=SERVICES, ids=lambda service: service.name)
def service(request) -> Service:
    """Each service of the stack in turn."""
    return request.param


@pytest.fixture
def container(service, containers) -> dict:
    """The service's container as the engine shows it."""
    return containers[service.container]


@pytest.fixture(scope="module")
def variable(host):
    """Return what the inventory, or else the role, says about a variable of a role."""
    inventory = host.ansible.get_variables()

    def look_up(role: str, name: str):
        defaults = yaml.safe_load((ROLES / role / "defaults" / "main.yml").read_text(encoding="utf-8"))
        return inventory.get(f"{role}_{name}", defaults.get(f"{role}_{name}"))

    return look_up


@pytest.fixture(scope="module")
def user_ids(host, containers) -> dict[str, set[int]]:
    """The users of each container's processes, by the container's name."""
    found = {}
    with host.sudo():
        for name in containers:
            rows = host.check_output(f"docker top {name} -eo pid,uid").splitlines()[1:]
            found[name] = {int(row.split()[1]) for row in rows}
    return found
