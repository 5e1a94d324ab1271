# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What two states of a host say was changed, in the words of the modules."""

import copy
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "truth"))

from truthbed.came_true import came_true, foretold, packages_that_came  # noqa: E402

LABELS = {"com.docker.compose.project": "aistack_caddy", "com.docker.compose.service": "caddy"}
STATE = {
    "leftovers": ["/opt/aistack/caddy/.aistack-half"],
    "files": {
        "/opt/aistack/caddy/.aistack-half": ["3", "0600", 0, 0],
        "/opt/aistack/caddy/caddy": ["folder", "0755", 0, 0],
        "/opt/aistack/caddy/compose.yml": ["1", "0644", 0, 0],
        "/opt/aistack/caddy/state.json": ["2", "0600", 0, 0],
    },
    "containers": {"aistack_caddy-caddy-1": {"labels": LABELS}},
    "networks": {"bridge": {}, "aistack": {}},
    "volumes": {"data": {"owner": [1, 1]}},
    "garage": {"layout": 1, "keys": {"GK1": {"name": "gateway"}}, "buckets": {"results": {"website": True}}},
    "caddy": "c1",
    "sysctls": {"net.core.somaxconn": "4096"},
    "guard": "g1",
    "engine": {"active": "active", "enabled": "enabled", "keys": {"log-driver": "l"}, "says": {"Labels": []}},
    "moments": {
        "containers": {"aistack_caddy-caddy-1": {"id": "1", "started": "s1"}},
        "images": {"reg:5000/caddy@sha256:d": "i1"},
        "engine": {"pid": "5"},
        "packages": ["apt 3 installed"],
    },
}
CADDY = STATE["moments"]["containers"]["aistack_caddy-caddy-1"]


def changed(**parts):
    """The things that changed from STATE to one in which these parts (part__key: value, None for gone) are others."""
    after = copy.deepcopy(STATE)
    for path, value in parts.items():
        *folders, name = path.split("__")
        place = after
        for folder in folders:
            place = place[folder]
        if isinstance(value, dict) and isinstance(place[name], dict):
            place[name].update(value)
            place[name] = {key: entry for key, entry in place[name].items() if entry is not None}
        else:
            place[name] = value
    return came_true(STATE, after)


@pytest.mark.parametrize(
    ("parts", "things"),
    [
        ({}, set()),
        (
            {"files": {"/opt/aistack/caddy/compose.yml": ["9", "0644", 0, 0]}},
            {("file", "/opt/aistack/caddy/compose.yml", "change")},
        ),
        ({"files": {"/opt/aistack/caddy/compose.yml": None}}, {("file", "/opt/aistack/caddy/compose.yml", "remove")}),
        ({"files": {"/opt/aistack/caddy/state.json": ["9", "0600", 0, 0]}}, set()),
        ({"files": {"/opt/aistack/caddy/releases/2": ["folder", "0700", 0, 0]}}, {("release", "caddy/2", "create")}),
        (
            {"moments__containers": {"aistack_caddy-caddy-1": dict(CADDY, id="2")}},
            {("service", "caddy/caddy", "recreate")},
        ),
        (
            {"moments__containers": {"aistack_caddy-caddy-1": dict(CADDY, started="s2")}},
            {("service", "caddy/caddy", "start")},
        ),
        ({"moments__containers": {"aistack_caddy-caddy-1": None}}, {("service", "caddy/caddy", "remove")}),
        (
            {"leftovers": [], "files": {"/opt/aistack/caddy/.aistack-half": None}},
            {("leftover", "/opt/aistack/caddy/.aistack-half", "remove")},
        ),
        (
            {"files": {"/opt/aistack/caddy/caddy": ["folder", "0700", 0, 0]}},
            {("folder", "/opt/aistack/caddy/caddy", "change")},
        ),
        ({"caddy": "c2"}, {("service", "caddy/caddy", "reload")}),
        ({"networks": {"other": {}, "none": {}}}, {("network", "other", "create")}),
        (
            {"volumes": {"data": {"owner": [2, 2]}, "more": {}}},
            {("volume", "data", "own"), ("volume", "more", "create")},
        ),
        ({"garage__buckets": {"results": {"website": False}}}, {("bucket", "results", "change")}),
        (
            {"garage__keys": {"GK1": None, "GK2": {"name": "two"}}},
            {("key", "gateway", "remove"), ("key", "two", "create")},
        ),
        ({"garage__layout": 2}, {("layout", "garage", "apply")}),
        ({"sysctls": {"net.core.somaxconn": "1"}}, {("sysctl", "net.core.somaxconn", "change")}),
        ({"engine__keys": {"log-driver": None}}, {("daemon key", "log-driver", "remove")}),
        ({"guard": "g2"}, {("unit", "aistack-guard.service", "start")}),
        ({"engine__says": {"Labels": ["a"]}}, {("engine", "docker", "reload")}),
        ({"moments__engine": {"pid": "6"}}, {("engine", "docker", "restart")}),
        (
            {"moments__images": {"aistack/gateway-api-gateway:1": "i2"}},
            {("image", "aistack/gateway-api-gateway:1", "build")},
        ),
        (
            {"moments__images": {"reg:5000/redis:8": "i3", "reg:5000/redis@sha256:e": "i3"}},
            {("image", "reg:5000/redis:8", "pull")},
        ),
        ({"moments__images": {"reg:5000/redis@sha256:e": "i3"}}, {("image", "reg:5000/redis@sha256:e", "pull")}),
    ],
)
def test_each_change_of_a_state_is_a_thing(parts, things):
    assert changed(**parts) == things


def test_an_engine_that_was_off_was_started_and_one_that_came_with_its_package_was_not():
    off = dict(STATE, engine=dict(STATE["engine"], active="inactive"))
    absent = dict(STATE, engine=dict(STATE["engine"], active="inactive", enabled=""))
    assert came_true(off, STATE) == {("engine", "docker", "start")}
    assert came_true(absent, STATE) == set()


def test_what_is_named_by_digest_goes_by_that_and_packages_and_tasks_are_left_out():
    told = {
        ("image", "reg:5000/caddy:2@sha256:d", "pull"),
        ("image", "caddy:2", "pull"),
        ("package", "git", "install"),
        ("task", "x", "change"),
    }
    assert foretold(told) == {("image", "reg:5000/caddy@sha256:d", "pull"), ("image", "caddy:2", "pull")}


def test_packages_that_came_are_told_by_name():
    after = dict(STATE, moments=dict(STATE["moments"], packages=["apt 3.1 installed", "git 2 installed"]))
    assert packages_that_came(STATE, after) == {"git"}
