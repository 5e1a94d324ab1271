# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.selfhost.aistack.plugins.plugin_utils import layout

ONE = {name: ["vm1"] for name in layout.STACK}
TWO = {**ONE, "docker_host": ["vm1", "vm2"], "docling": ["vm2"]}


def link(groups: dict[str, list[str]], host: str = "vm1", **hostvars: dict[str, Any]) -> dict[str, Any]:
    return layout.docling_link({"vm1": {}, "vm2": {}, **hostvars}, groups, host)


def test_the_groups_that_have_a_host() -> None:
    assert layout.stack_hosts({**ONE, "redis": [], "webservers": ["vm9"]}) == [
        name for name in layout.STACK if name != "redis"
    ]


@pytest.mark.parametrize("groups", [{}, {"docling": []}, {"webservers": ["vm9"]}])
def test_without_a_host_the_play_has_localhost(groups: dict[str, list[str]]) -> None:
    assert layout.stack_hosts(groups) == ["localhost"]


def test_groups_in_which_nothing_is_wrong() -> None:
    assert layout.group_problems(ONE, {}, "vm1") == []
    assert layout.group_problems(TWO, {}, "vm2") == []


def test_two_things_that_are_wrong_with_the_groups_are_two_sentences() -> None:
    groups = {name: hosts for name, hosts in ONE.items() if name != "garage_storage"} | {"redis": []}
    empty, missing = layout.group_problems(groups, {}, "vm1")
    assert empty.startswith("the group redis has no host: ")
    assert missing.startswith("the inventory has no group garage_storage and does not set gateway_s3_endpoint: ")


def test_what_is_left_out_is_asked_for_where_it_is_used() -> None:
    groups = {"docker_host": ["vm1", "vm2"], "redis": ["vm1"], "caddy_tls": ["vm2"]}
    assert layout.group_problems(groups, {"caddy_tls_upstream": "10.0.0.4:8080"}, "vm2")[0].startswith(
        "the groups redis, garage_storage, gateway and caddy_tls have different hosts"
    )
    del groups["redis"]
    assert layout.group_problems(groups, {}, "vm1") == []
    assert layout.group_problems(groups, {"caddy_tls_upstream": "10.0.0.4:8080"}, "vm2") == []
    assert "set caddy_tls_upstream:" in layout.group_problems(groups, {}, "vm2")[0]


def test_on_one_host_the_two_meet_on_a_network_of_dockers() -> None:
    assert link(ONE) == {
        "bind_address": "",
        "clients": [],
        "url": "http://docling-serve:5001",
        "asked": "http://docling-serve:5001",
        "max_sync_wait": None,
        "problems": [],
    }


def test_a_certificate_means_https_and_the_inventory_wins() -> None:
    told = link(
        ONE, vm1={"docling_certificate": "PEM", "gateway_docling_url": "https://d:1", "docling_max_sync_wait": 9}
    )
    assert (told["url"], told["asked"], told["max_sync_wait"]) == ("https://docling-serve:5001", "https://d:1", 9)


@pytest.mark.parametrize("left_out", ["docling", "gateway"])
def test_one_of_the_two_alone_is_not_apart_from_the_other(left_out: str) -> None:
    groups = {name: hosts for name, hosts in TWO.items() if name != left_out}
    assert link(groups, vm1={}, vm2={})["bind_address"] == ""


@pytest.mark.parametrize("host", ["vm1", "vm2"])
@pytest.mark.parametrize(("address", "in_url"), [("10.0.0.5", "10.0.0.5"), ("fd00::5", "[fd00::5]")])
def test_on_two_hosts_they_meet_on_the_network_between(host: str, address: str, in_url: str) -> None:
    told = link(
        TWO,
        host,
        vm1={"aistack_private_address": "10.0.0.4"},
        vm2={"aistack_private_address": address, "docling_port": 5002, "docling_max_sync_wait": 30},
    )
    assert told == {
        "bind_address": address,
        "clients": ["10.0.0.4"],
        "url": f"http://{in_url}:5002",
        "asked": f"http://{in_url}:5002",
        "max_sync_wait": 30,
        "problems": [],
    }


def test_an_address_that_the_inventory_has_docling_listen_on_is_where_it_is_reached() -> None:
    told = link(TWO, vm2={"docling_bind_address": "10.0.0.9", "docling_clients": ["10.0.0.0/24"]})
    assert (told["url"], told["problems"]) == ("http://10.0.0.9:5001", [])


def test_addresses_that_are_missing_are_one_sentence() -> None:
    assert link(TWO)["problems"][0].startswith("aistack_private_address is not set for vm2 and vm1, and docling runs")
    assert "not set for vm1, and" in link(TWO, vm2={"aistack_private_address": "10.0.0.5"})["problems"][0]


@pytest.mark.parametrize(
    ("value", "why"),
    [("8.8.8.8", "'8.8.8.8', which is no private address"), (["10.0.0.5"], "['10.0.0.5'], which is no IP")],
)
def test_an_address_that_is_none_for_this_is_told_once(value: Any, why: str) -> None:
    same = {"aistack_private_address": value}
    (told,) = link(TWO, vm1=same, vm2=same)["problems"]
    assert told.startswith(f"aistack_private_address is {why}")
