# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where secrets are on a converged host, and where they must not be."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

# What the gateway takes from its environment; no other service needs a secret there.
_IN_THE_GATEWAYS_ENVIRONMENT = {"redis_password", "gateway_s3_secret", "auth_secret_key"}
_FILES = "find /opt/aistack -type f -printf '%m %U %p\\n'"
# What everybody may read of the places where a deployment leaves something. Larger files are the distribution's.
_READABLE = (
    "cd / && runuser --user nobody -- find /etc /home /opt /root /run /srv /tmp /var -xdev"
    r" \( -path /var/lib/dpkg -o -path /var/lib/apt -o -path /var/cache \) -prune"
    " -o -type f -readable -size -1024k -exec cat {} +"
)


class Store:
    """The secrets of the inventory. It names them and keeps their values, so that a failing test shows none."""

    def __init__(self, file: Path) -> None:
        kept = yaml.safe_load(file.read_text(encoding="utf-8"))["secrets"]
        # A key's id is none, and neither is the salt of a password record.
        self._values = {n: entry["value"] for n, entry in kept.items() if not n.endswith("_id") and "_salt_" not in n}
        self.names = set(self._values)

    def shown_in(self, text: str) -> set[str]:
        """Return the names of the secrets whose values stand in a text."""
        return {name for name, value in self._values.items() if value in text}


@pytest.fixture(scope="module")
def store(request) -> Store:
    """The secrets that were made for this inventory."""
    inventory = Path(request.config.getoption("ansible_inventory"))
    found = Store((inventory if inventory.is_dir() else inventory.parent) / ".secrets.yml")
    assert {"redis_password", "garage_rpc_secret", "garage_admin_token"} <= found.names
    return found


@pytest.fixture(scope="module")
def app_files(host) -> list[tuple[str, int, Path]]:
    """(mode, owner, path) of every file of the apps, kept releases included."""
    with host.sudo():
        rows = [line.split(" ", 2) for line in host.check_output(_FILES).splitlines()]
    return [(mode, int(owner), Path(path)) for mode, owner, path in rows]


def test_folders_are_for_root_alone(host, service):
    with host.sudo():
        folder = host.file(f"/opt/aistack/{service.app}")
        assert (folder.user, folder.group, folder.mode) == ("root", "root", 0o700)


def test_secret_files_are_for_their_service_alone(service, app_files, user_ids):
    secrets = [
        (mode, owner)
        for mode, owner, path in app_files
        if path.is_relative_to(f"/opt/aistack/{service.app}") and path.parent.name == "secrets"
    ]
    assert bool(secrets) is (service.name in {"redis", "garage"})
    assert set(secrets) <= {("400", user) for user in user_ids[service.container]}


def test_environment_files_are_for_root_alone(app_files):
    environments = [(mode, owner) for mode, owner, path in app_files if path.parent.name == "env"]
    assert set(environments) == {("600", 0)}


def test_a_container_shows_only_what_it_needs(service, container, store):
    needed = _IN_THE_GATEWAYS_ENVIRONMENT if service.name == "api-gateway" else set()
    assert store.shown_in(json.dumps(container)) == needed


def test_no_secret_can_be_read_by_everybody(host, store):
    with host.sudo():
        text = host.run(_READABLE).stdout_bytes.decode(errors="replace")
    assert "docker_host" in text
    assert store.shown_in(text) == set()


def test_no_secret_stands_in_a_process_list(host, store):
    with host.sudo():
        text = host.check_output("ps -A -ww -o args=")
    assert "redis-server" in text
    assert store.shown_in(text) == set()


def test_no_secret_is_logged(host, containers, store):
    with host.sudo():
        logs = [host.run(f"docker logs {name} 2>&1").stdout_bytes for name in containers]
        logs.append(host.run("journalctl --boot --no-pager --output=cat").stdout_bytes)
    assert all(logs)
    assert store.shown_in(b"\n".join(logs).decode(errors="replace")) == set()
