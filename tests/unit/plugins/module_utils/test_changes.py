# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.selfhost.aistack.plugins.module_utils._changes import change, verb
from ansible_collections.selfhost.aistack.plugins.module_utils._docker_host import planned

FACTS = {"packages": {}, "repository_url": "", "dpkg_interrupted": False, "running": True, "enabled": True}
NOTHING = {"source": "distribution", "missing": [], "problems": []}


def test_a_change_is_plain_data() -> None:
    told = {"kind": "key", "name": "gateway", "action": "create", "why": ["id"]}
    assert change("key", "gateway", "create", (word for word in ["id"])) == told


@pytest.mark.parametrize(
    ("before", "after", "word"),
    [(None, "x", "create"), ("x", None, "remove"), ("x", "y", "change"), (False, True, "change")],
)
def test_the_verb_follows_from_before_and_after(before, after, word) -> None:
    assert verb(before, after) == word


def test_a_host_that_has_everything_is_left_alone() -> None:
    assert planned(FACTS, NOTHING, "") == []


def test_a_bare_host_gets_packages_and_their_service_starts_by_itself() -> None:
    facts = dict(FACTS, running=False, enabled=False, dpkg_interrupted=True)
    lacking = dict(NOTHING, missing=["docker.io"])
    assert [(c["kind"], c["name"], c["action"]) for c in planned(facts, lacking, "https://x/debian")] == [
        ("package", "python3-debian", "install"),
        ("file", "/etc/apt/sources.list.d/docker.sources", "create"),
        ("package", "dpkg", "finish"),
        ("package", "docker.io", "install"),
    ]


def test_an_engine_that_lacks_another_package_is_started_as_well() -> None:
    told = planned(dict(FACTS, running=False), dict(NOTHING, missing=["apparmor"]), "")
    assert [(c["kind"], c["name"]) for c in told] == [("package", "apparmor"), ("engine", "docker")]


def test_an_engine_that_does_not_start_at_boot_is_told() -> None:
    assert planned(dict(FACTS, enabled=False), NOTHING, "") == [change("engine", "docker", "start", ["not enabled"])]


def test_a_host_that_cannot_be_used_is_not_changed() -> None:
    assert planned(FACTS, {"source": "docker", "missing": ["x"], "problems": ["No."]}, "https://x/debian") == []
