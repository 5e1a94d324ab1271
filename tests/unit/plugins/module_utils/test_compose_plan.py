# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which service has to change, how, and in which words."""

from __future__ import annotations

import copy

import pytest

from ansible_collections.selfhost.aistack.plugins.module_utils._compose_observe import Observed, altered
from ansible_collections.selfhost.aistack.plugins.module_utils._compose_plan import (
    image_moved,
    plan_files,
    plan_services,
)

INPUTS = {
    "image": "example/web:1",
    "environment": "e1",
    "files": {"conf/a": "a1"},
    "definition": {"mem_limit": "m1"},
}
CONTAINER = {
    "Id": "c1",
    "Name": "/aistack_demo-web-1",
    "Image": "sha256:i1",
    "RestartCount": 0,
    "Config": {"Labels": {"aistack.inputs": "h1"}, "Env": ["A=1"], "Cmd": ["web"]},
    "HostConfig": {"Memory": 512, "RestartPolicy": {"Name": "unless-stopped"}, "Binds": ["/x:/y"]},
    "NetworkSettings": {"Networks": {"aistack": {}}},
    "State": {"Status": "running", "ExitCode": 0, "StartedAt": "t1", "Health": {"Status": "healthy"}},
}
FILES = ({"path": "conf/a", "changed": False, "before": "a1", "after": "a1"},)


def container(**changes):
    made = copy.deepcopy(CONTAINER)
    for path, value in changes.items():
        part, _sep, key = path.partition("__")
        if key:
            made[part][key] = value
        else:
            made[part] = value
    return Observed(made)


def plan(
    observed=None,
    files=FILES,
    wanted=None,
    recorded=True,
    images=None,
    loaded=None,
    reload=None,
    one_shot=False,
    doubles=(),
):
    inputs = dict(INPUTS, **(wanted or {}))
    service = {
        "image": inputs["image"],
        "inputs": inputs,
        "hash": "h1" if inputs == INPUTS else "h2",
        "one_shot": one_shot,
        "mounts": ["conf", "live", "secrets/password"],
    }
    bundle = {
        "services": {"web": service},
        "reload": reload or {},
        "files": [{"path": "conf/a", "digest": "a1"}, {"path": "live/b", "digest": "b1"}],
    }
    release = {"services": {"web": {"inputs": INPUTS, "fingerprint": container().fingerprint}}} if recorded else {}
    observed = {} if observed is None else {"web": observed}
    images = images or {inputs["image"]: "sha256:i1"}
    return plan_services(bundle, files, observed, release, images, loaded or {}, {"web": doubles})["web"]


def test_a_service_as_recorded_needs_nothing():
    assert plan(container()) == {"action": "none", "why": []}


@pytest.mark.parametrize(
    ("observed", "arguments", "action", "why"),
    [
        (None, {}, "up", ["no container"]),
        (container(), {"wanted": {"image": "example/web:2"}}, "up", ["image"]),
        (container(), {"wanted": {"environment": "e2"}}, "up", ["environment"]),
        (container(), {"wanted": {"files": {"conf/a": "a2"}}}, "up", ["content of conf/a"]),
        (container(), {"wanted": {"definition": {"mem_limit": "m2"}}}, "up", ["mem_limit"]),
        (container(), {"wanted": {"environment": "e2"}, "recorded": False}, "up", ["configuration"]),
        (container(), {"images": {"example/web:1": "sha256:i2"}}, "up", ["image digest"]),
        (container(HostConfig__Memory=256), {}, "force", ["memory limit changed by hand"]),
        (
            container(Config__Env=["A=2"], Config__Labels={"aistack.inputs": "h1"}),
            {},
            "force",
            ["environment changed by hand"],
        ),
        (container(NetworkSettings__Networks={}), {}, "force", ["networks changed by hand"]),
        (container(State__Status="exited", State__ExitCode=137), {}, "up", ["not running (exited with code 137)"]),
        (
            container(State__Status="exited", State__ExitCode=137, State__OOMKilled=True),
            {},
            "up",
            ["not running (exited with code 137, killed for want of memory)"],
        ),
        (container(State__Status="paused"), {}, "force", ["not running (paused)"]),
        (container(State__Health={"Status": "unhealthy"}), {}, "force", ["unhealthy"]),
        (container(State__Health={"Status": "starting"}), {}, "none", []),
        (container(State__Status="exited", State__ExitCode=0), {"one_shot": True}, "none", []),
        (
            container(State__Status="exited", State__ExitCode=1),
            {"one_shot": True},
            "up",
            ["not running (exited with code 1)"],
        ),
    ],
)
def test_each_difference_has_its_action_and_its_words(observed, arguments, action, why):
    assert plan(observed, **arguments) == {"action": action, "why": why}


@pytest.mark.parametrize(
    ("running", "local", "recorded", "moved"),
    [
        ("a", "a", None, False),
        ("a", "b", None, True),
        ("a", None, None, True),
        ("manifest", "index", {"image_id": "manifest", "local_image_id": "index"}, False),
        ("manifest", "newer", {"image_id": "manifest", "local_image_id": "index"}, True),
        ("other", "index", {"image_id": "manifest", "local_image_id": "index"}, True),
    ],
)
def test_an_image_has_moved_when_either_name_of_it_has(running, local, recorded, moved):
    assert image_moved("example/web:1", running, local, recorded) is moved


@pytest.mark.parametrize(
    ("reference", "running", "moved"),
    [
        ("example/web:1@sha256:d", "sha256:i1", False),
        ("example/web:1@sha256:e", "sha256:i1", True),
        ("example/web:1@sha256:d", "sha256:other", True),
        ("example/web:1", "sha256:i1", True),
    ],
)
def test_an_image_that_went_and_is_fetched_by_its_digest_is_the_one_that_runs(reference, running, moved):
    recorded = {"image_id": "sha256:i1", "image_digest": "sha256:d"}
    assert image_moved(reference, running, None, recorded) is moved


def test_a_mounted_file_edited_by_hand_recreates_its_service():
    edited = [{"path": "conf/a", "changed": True, "before": "other", "after": "a1"}]
    assert plan(container(), files=edited) == {"action": "force", "why": ["content of conf/a"]}


def test_a_reloading_file_that_was_not_read_yet_is_reloaded():
    reload = {"live/": {"service": "web"}}
    assert plan(container(), reload=reload, loaded={"live/": {"live/b": "b0"}}) == {
        "action": "reload",
        "why": ["content of live/"],
    }
    assert plan(container(), reload=reload, loaded={"live/": {"live/b": "b1"}}) == {"action": "none", "why": []}


def test_a_reloading_file_edited_by_hand_is_reloaded():
    reload = {"live/": {"service": "web"}}
    edited = [*FILES, {"path": "live/b", "changed": True, "before": "x", "after": "b1"}]
    assert plan(container(), files=edited, reload=reload, loaded={"live/": {"live/b": "b1"}})["action"] == "reload"


@pytest.mark.parametrize(
    ("path", "action"),
    [("conf/extra", "force"), ("live/extra", "reload"), ("secrets/extra", "none"), ("notes", "none")],
)
def test_a_file_put_there_by_hand_matters_to_a_service_that_sees_it(path, action):
    reload = {"live/": {"service": "web"}}
    extra = [*FILES, {"path": path, "changed": True, "before": "x", "after": None}]
    assert plan(container(), files=extra, reload=reload, loaded={"live/": {"live/b": "b1"}})["action"] == action


def test_a_further_container_of_a_service_is_told_and_costs_no_restart():
    found = plan(container(), doubles=["aistack_demo-web-2"])
    assert found == {"action": "up", "why": ["further container aistack_demo-web-2"]}


def test_a_limit_that_an_older_version_did_not_record_is_not_compared():
    recorded, found = container().fingerprint, container(HostConfig__CpuQuota=50000).fingerprint
    assert altered(recorded, found) == ["CPU quota"]
    del recorded["CpuQuota"]
    assert altered(recorded, found) == []


def test_a_service_that_is_no_longer_declared_is_removed():
    bundle = {"services": {}, "reload": {}, "files": []}
    assert plan_services(bundle, [], {"old": container()}, {}, {}, {}, {}) == {
        "old": {"action": "remove", "why": ["no longer declared"]}
    }


def entry(**changes):
    return dict({"path": "a", "digest": "d", "mode": 0o644, "uid": 0, "gid": 0}, **changes)


@pytest.mark.parametrize(
    ("found", "changed"),
    [
        (None, True),
        ({"digest": "d", "mode": 0o644, "uid": 0, "gid": 0}, False),
        ({"digest": "other", "mode": 0o644, "uid": 0, "gid": 0}, True),
        ({"digest": "d", "mode": 0o666, "uid": 0, "gid": 0}, True),
        ({"digest": "d", "mode": 0o644, "uid": 5, "gid": 0}, True),
        ({"digest": None, "mode": 0o755, "uid": 0, "gid": 0}, True),
    ],
)
def test_a_file_differs_by_content_mode_or_owner(found, changed):
    assert plan_files([entry()], {"a": found}, [])[0]["changed"] is changed


def test_a_file_that_is_not_wanted_goes():
    there = {"digest": "d", "mode": 0o644, "uid": 0, "gid": 0}
    planned = plan_files([entry()], {"a": there, "old": there}, ["a", "old"])
    assert planned[1] == {"path": "old", "changed": True, "before": "d", "after": None}
    assert len(planned) == 2
