# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs on a converged host: the declared images, healthy, within their limits and without rights they do not need."""

from __future__ import annotations

import pytest

_UNITS = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30}


@pytest.fixture
def process(host, container) -> dict[str, str]:
    """What the kernel says about the container's first process, by field."""
    with host.sudo():
        lines = host.check_output(f"cat /proc/{container['State']['Pid']}/status").splitlines()
    return {name: value.strip() for name, _colon, value in (line.partition(":") for line in lines)}


def test_these_containers_and_no_others(containers):
    assert sorted(containers) == sorted(
        [
            "aistack_redis-redis-1",
            "aistack_garage-garage-1",
            "aistack_docling-docling-serve-1",
            "aistack_gateway-api-gateway-1",
            "aistack_caddy-caddy-1",
        ]
    )


def test_image(host, service, container, variable):
    with host.sudo():
        known_as = host.check_output(
            f'docker image inspect --format \'{{{{join .RepoDigests " "}}}} {{{{join .RepoTags " "}}}}\' {container["Image"]}'
        ).split()
    if service.name == "api-gateway":
        # Built on the host, so that no registry gives it a digest.
        assert any(name.startswith("aistack/gateway-api-gateway:") for name in known_as)
    else:
        repository, _at, digest = variable(service.role, "image").partition("@")
        assert f"{repository.rpartition(':')[0]}@{digest}" in known_as


def test_healthy_since_its_start(container):
    assert container["State"]["Status"] == "running"
    assert container["State"]["Health"]["Status"] == "healthy"
    assert container["RestartCount"] == 0
    assert container["HostConfig"]["RestartPolicy"]["Name"] == "unless-stopped"


def test_limits(service, container, variable):
    text = variable(service.role, "memory_limit")
    limit = int(text[:-1]) * _UNITS[text[-1]]
    settings = container["HostConfig"]
    assert (settings["Memory"], settings["MemorySwap"]) == (limit, limit)
    assert 0 < settings["PidsLimit"] <= 1024


def test_logs_rotate(container):
    assert container["HostConfig"]["LogConfig"] == {"Type": "local", "Config": {"max-size": "20m", "max-file": "5"}}


def test_no_process_is_root(service, user_ids):
    assert user_ids[service.container]
    assert 0 not in user_ids[service.container]


def test_capabilities(service, container, process):
    assert container["HostConfig"]["Privileged"] is False
    assert int(process["CapBnd"], 16) == service.capabilities
    assert int(process["CapEff"], 16) & ~service.capabilities == 0


def test_no_new_privileges(service, process):
    # Caddy's one capability comes from its program file, which the kernel would ignore.
    assert process["NoNewPrivs"] == ("0" if service.name == "caddy" else "1")


def test_root_is_read_only(service, container):
    assert container["HostConfig"]["ReadonlyRootfs"] is service.read_only


def test_volumes_belong_to_the_service(host, service, container, user_ids):
    folders = [mount["Source"] for mount in container["Mounts"] if mount["Type"] == "volume"]
    with host.sudo():
        owners = {host.file(folder).uid for folder in folders}
    assert owners <= user_ids[service.container]
