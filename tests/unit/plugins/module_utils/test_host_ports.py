# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who holds a port that an app wants, and what is said about it."""

from __future__ import annotations

import os
import socket

import pytest

from ansible_collections.selfhost.aistack.plugins.module_utils import _host_ports as ports

HTTPS = {
    "name": "caddy_tls_https_port",
    "port": 443,
    "protocol": "tcp",
    "addresses": [],
    "address_name": "caddy_tls_bind_addresses",
    "app": "caddy",
}
S3 = {
    **HTTPS,
    "name": "garage_storage_s3_port",
    "port": 3900,
    "addresses": ["127.0.0.1"],
    "address_name": "addresses",
    "app": "garage",
}


def holder(port=443, address="0.0.0.0", protocol="tcp", process="nginx", pid=812, container="", app=""):
    return {
        "protocol": protocol,
        "address": address,
        "port": port,
        "process": process,
        "pid": pid,
        "container": container,
        "app": app,
    }


def told(wanted, *taken, strange=()):
    return ports.problems([wanted], {"taken": list(taken), "strange": list(strange)})


@pytest.mark.parametrize(
    ("taken", "who"),
    [
        (holder(), "taken by nginx (pid 812): stop that"),
        (holder(address="::"), "TCP port 443 ([::]) of this host is taken by nginx (pid 812)"),
        (holder(container="proxy"), "taken by nginx (pid 812) in the container proxy"),
        (holder(process="", pid=0, container="web"), "taken by the container web"),
        (holder(container="aistack_gateway-api-gateway-1", app="gateway"), "in the container aistack_gateway"),
        (holder(process="", pid=0), "taken by a process that cannot be seen"),
        (holder(address="192.0.2.7"), "TCP port 443 (192.0.2.7) of this host"),
    ],
)
def test_a_port_that_another_holds(taken, who):
    (sentence,) = told(HTTPS, taken)
    assert sentence.startswith("caddy_tls_https_port is 443, and ")
    assert who in sentence
    assert sentence.endswith("set caddy_tls_https_port to a port that is free.")


@pytest.mark.parametrize(
    ("wanted", "taken"),
    [
        (HTTPS, holder(container="aistack_caddy-caddy-1", app="caddy")),
        (HTTPS, holder(protocol="udp")),
        (HTTPS, holder(port=8443)),
        (S3, holder(port=3900, address="192.0.2.7")),
        (S3, holder(port=3900, address="::1")),
    ],
    ids=["by its own app", "other protocol", "other port", "other address", "other family"],
)
def test_what_is_not_in_the_way(wanted, taken):
    assert told(wanted, taken) == []


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "127.0.0.1", "::ffff:127.0.0.1"])
def test_addresses_that_meet(address):
    assert len(told(S3, holder(port=3900, address=address))) == 1


def test_the_same_holder_on_two_addresses_is_told_once():
    assert len(told(HTTPS, holder(), holder(address="::"))) == 1


def test_an_address_that_the_host_does_not_have():
    (sentence,) = told({**HTTPS, "addresses": ["192.0.2.7"]}, strange=["192.0.2.7"])
    assert sentence.startswith("caddy_tls_bind_addresses is '192.0.2.7', which is no address of this host: set it to ")


def test_tables_of_the_kernel_are_read(tmp_path):
    four, six = tmp_path / "tcp", tmp_path / "tcp6"
    head = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
    rest = "00000000:00000000 00:00000000 00000000     0        0"
    four.write_text(
        head
        + f"   0: 0100007F:0F3C 00000000:0000 0A {rest} 4711 1\n"
        + f"   1: 0100007F:0F3C 0100007F:9999 01 {rest} 4712 1\n"
    )
    six.write_text(head + f"   0: B80D0120000000000000000007000000:01BB {'0' * 32}:0000 0A {rest} 4713 1\n")
    assert ports.listening({"tcp": (str(four), str(six), str(tmp_path / "none"))}) == [
        {"protocol": "tcp", "address": "127.0.0.1", "port": 3900, "inode": "4711"},
        {"protocol": "tcp", "address": "2001:db8::7", "port": 443, "inode": "4713"},
    ]


@pytest.mark.parametrize(("protocol", "kind"), [("tcp", socket.SOCK_STREAM), ("udp", socket.SOCK_DGRAM)])
def test_a_process_of_this_machine_is_found_by_its_port(protocol, kind):
    with socket.socket(socket.AF_INET, kind) as own:
        own.bind(("127.0.0.1", 0))
        if protocol == "tcp":
            own.listen()
        port = own.getsockname()[1]
        found = ports.look([{"port": port, "protocol": protocol, "addresses": ["127.0.0.1"]}], [])
    (entry,) = found["taken"]
    assert (entry["pid"], entry["port"], entry["address"]) == (os.getpid(), port, "127.0.0.1")
    assert entry["process"]
    assert found["strange"] == []


def test_what_the_engine_publishes_is_the_containers_and_not_the_proxys(monkeypatch):
    listed = {
        "Id": "a" * 64,
        "Names": ["/web"],
        "Labels": {},
        "Ports": [{"IP": "127.0.0.1", "PrivatePort": 80, "PublicPort": 3900, "Type": "tcp"}, {"PrivatePort": 81}],
    }
    monkeypatch.setattr(
        ports, "listening", lambda: [{"protocol": "tcp", "address": "127.0.0.1", "port": 3900, "inode": "1"}]
    )
    monkeypatch.setattr(
        ports, "_owners", lambda sockets, _containers: [{**s, "process": "docker-proxy"} for s in sockets.values()]
    )
    found = ports.look([S3], [listed])
    assert found["taken"] == [holder(port=3900, address="127.0.0.1", process="", pid=0, container="web")]


def test_own_addresses():
    assert ports.is_own("127.0.0.1")
    assert not ports.is_own("192.0.2.7")
    assert not ports.is_own("2001:db8::7")
