# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.selfhost.aistack.plugins.plugin_utils.drift import collect, summary, table

LOOKED = {"changed": False, "notes": [], "problems": []}


def change(kind, name, action="change", why=()):
    return {"kind": kind, "name": name, "action": action, "why": list(why)}


def told(*changes, **more):
    return {"changed": bool(changes), "changes": list(changes), **more}


def test_what_the_roles_registered_is_drift_with_its_host():
    found = collect(
        ["vm1", "vm2"],
        {
            "vm1": {
                "__drift_host": LOOKED,
                "__redis_deployed": told(
                    change("service", "redis/redis", "recreate", ["memory limit changed by hand"])
                ),
                "__garage_keys": {
                    "changed": True,
                    "results": [told(change("key", "gateway")), {"changed": False, "skipped": True}],
                },
                "redis_deployed": told(change("file", "not a role's own")),
                "__redis_problems": ["no result"],
            },
            "vm2": {"__drift_host": LOOKED, "__redis_deployed": told()},
        },
    )
    assert found["outcome"] == "drift"
    assert [(entry["host"], entry["kind"], entry["name"], entry["why"]) for entry in found["drift"]] == [
        ("vm1", "key", "gateway", []),
        ("vm1", "service", "redis/redis", ["memory limit changed by hand"]),
    ]
    assert summary(found) == "Drift: 2 differences on 1 host; site.yml puts it right."


def test_a_release_counts_only_where_nothing_else_differs():
    release = change("release", "redis/2", "create")
    one = collect(["h"], {"h": {"__drift_host": LOOKED, "__a": told(change("file", "/x"), release)}})
    other = collect(["h"], {"h": {"__drift_host": LOOKED, "__a": told(release)}})
    assert [entry["kind"] for entry in one["drift"] + other["drift"]] == ["file", "release"]


def test_what_two_tasks_tell_counts_once_and_a_foreign_module_counts_as_a_task():
    engine = change("engine", "docker", "start", ["not enabled"])
    variables = {
        "__drift_host": LOOKED,
        "__a_found": told(engine),
        "__b_now": told(engine),
        "__gateway_git": {"changed": True},
    }
    found = collect(["h"], {"h": variables})
    assert [(entry["kind"], entry["name"]) for entry in found["drift"]] == [
        ("engine", "docker"),
        ("task", "gateway git"),
    ]


def test_errors_hide_no_drift_and_decide_the_outcome():
    found = collect(
        ["gone", "sick", "well"],
        {
            "gone": {"__drift_host": {"changed": False, "unreachable": True, "msg": "no route\nto host"}},
            "sick": {
                "__drift_host": {**LOOKED, "problems": ["The engine of this host does not run."]},
                "__drift_failures": [{"where": "redis", "why": "refused"}],
                "__docker_host_found": told(change("engine", "docker", "start")),
            },
            "well": {"__drift_host": LOOKED, "__redis_deployed": told()},
        },
    )
    assert found["outcome"] == "error"
    assert [(entry["host"], entry["where"], entry["why"]) for entry in found["errors"]] == [
        ("gone", "host", "no route to host"),
        ("sick", "redis", "refused"),
        ("sick", "engine", "The engine of this host does not run."),
    ]
    assert [entry["host"] for entry in found["drift"]] == ["sick"]
    assert summary(found) == "Not everything could be looked at: 3 errors on 2 hosts; 1 difference found besides."


def test_a_host_that_left_no_trace_and_no_host_at_all_are_errors():
    assert collect(["h"], {"h": {}})["errors"] == [{"host": "h", "where": "host", "why": "It was not looked at."}]
    assert collect([], {})["outcome"] == "error"


def test_notes_and_warnings_are_told_and_are_no_drift():
    note = {"kind": "port", "name": "tcp/8081", "what": "is open to others"}
    deployed = told(warnings=["Garage cannot be asked"])
    found = collect(["h"], {"h": {"__drift_host": {**LOOKED, "notes": [note]}, "__garage_configured": deployed}})
    assert found["outcome"] == "none"
    text = table(found)
    assert "h     port     tcp/8081           is open to others" in text
    assert "h     warning  garage configured  Garage cannot be asked" in text
    assert text.endswith("No drift: 1 host as the inventory says.")


def test_the_table_has_one_line_for_each_difference():
    found = collect(
        ["vm1"],
        {
            "vm1": {
                "__drift_host": LOOKED,
                "__a": told(change("file", "/a", "remove", ["one", "two"]), change("sysctl", "vm.x")),
            }
        },
    )
    assert table(found).splitlines()[:3] == [
        "HOST  KIND    NAME  SITE.YML WOULD  BECAUSE OF",
        "vm1   file    /a    remove          one, two",
        "vm1   sysctl  vm.x  change",
    ]
