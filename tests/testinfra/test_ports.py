# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a converged host answers to: ssh and the site from outside, everything else on loopback alone."""

from __future__ import annotations

import ipaddress

import pytest


@pytest.fixture(scope="module")
def sockets(host) -> set[tuple[str, str, int]]:
    """(protocol, address, port) of every socket that waits for others, network namespaces of containers left out."""
    found = set()
    with host.sudo():
        rows = host.check_output("ss --listening --tcp --udp --numeric --no-header").splitlines()
    for protocol, _state, _received, _sent, local, *_rest in map(str.split, rows):
        address, _colon, port = local.rpartition(":")
        found.add((protocol, address.strip("[]").split("%")[0].replace("*", "::"), int(port)))
    return found


def test_only_ssh_and_the_site_answer_from_outside(sockets):
    outside = {(protocol, port) for protocol, address, port in sockets if not ipaddress.ip_address(address).is_loopback}
    assert outside == {("tcp", 22), ("tcp", 80), ("tcp", 443), ("udp", 443)}


def test_the_edge_reaches_its_services_on_loopback(sockets):
    assert {("tcp", "127.0.0.1", port) for port in (3900, 3902, 3903, 8080)} <= sockets


def test_ports_are_published_on_loopback_alone(container):
    bindings = [binding for ports in (container["HostConfig"]["PortBindings"] or {}).values() for binding in ports]
    assert {binding["HostIp"] for binding in bindings} <= {"127.0.0.1"}


def test_redis_and_docling_are_not_published(containers):
    for name in ("aistack_redis-redis-1", "aistack_docling-docling-serve-1"):
        assert not containers[name]["HostConfig"]["PortBindings"]
