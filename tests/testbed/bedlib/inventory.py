# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Ansible inventory of the bed: every host that is up, in every role's group, with the images to use."""

from __future__ import annotations

import json

from . import hosts, images, keys
from .containers import Container
from .paths import REGISTRY
from .say import BedError, say

ROLES = ("docker_host", "redis", "garage_storage", "docling", "gateway", "caddy_tls")


def text(names: list[str], user: str) -> str:
    """Return the inventory as YAML with these hosts, all that are up for no name."""
    chosen = [hosts.get(name) for name in names] or list(hosts.all_hosts().values())
    running = {host.name: host for host in chosen if host.state == "running"}
    for name in names:
        if name not in running:
            raise BedError(f"The host '{name}' is not running; start it with 'bed up {name}'.")
    for host in running.values():
        # Another checkout may have made the host: its key is not known here then, nor this checkout's there.
        hosts.let_in(host)
    return _yaml(
        {
            "all": {
                "vars": _variables(),
                "hosts": {name: _host(host, user) for name, host in sorted(running.items())},
                "children": {role: {"hosts": {name: {} for name in sorted(running)}} for role in ROLES},
            }
        }
    )


def _variables() -> dict:
    """Return the variables of all hosts: image references, the trust in the registry that serves them, and what disk that takes."""
    references = images.published()
    missing = [image.name for image in images.ALL if image.name not in references]
    if missing:
        say(f"inventory: without the images {', '.join(missing)}, which 'bed images' makes")
    roles = {i.variable: references[i.name] for i in images.ALL if i.variable and i.name in references}
    return {
        "bed_images": references,
        **roles,
        "docker_host_daemon_config": {"insecure-registries": [REGISTRY]},
        # The bed's images are small, and all hosts share one disk.
        "docker_host_minimum_free_disk": "3g",
    }


def _host(host: Container, user: str) -> dict:
    """Return how Ansible reaches one host."""
    return {
        "ansible_host": host.address,
        "ansible_user": user,
        "ansible_become": user != "root",
        "ansible_ssh_private_key_file": str(keys.ensure()),
        "ansible_ssh_common_args": f"-o UserKnownHostsFile={keys.KNOWN_HOSTS} -o StrictHostKeyChecking=yes",
        "ansible_python_interpreter": "/usr/bin/python3",
    }


def _yaml(value: dict, depth: int = 0) -> str:
    """Write plain data as block-style YAML; scalars and lists as JSON, which every YAML reader takes."""
    lines = []
    for key, item in value.items():
        if isinstance(item, dict) and item:
            lines.append(f"{'  ' * depth}{key}:\n{_yaml(item, depth + 1)}")
        else:
            lines.append(f"{'  ' * depth}{key}: {json.dumps(item)}\n")
    return "".join(lines)
