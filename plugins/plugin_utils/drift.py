# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a check run of the roles found, put together: drift, notes and errors of all hosts, as a table and as JSON.

Private to the collection. Pure.

Roles register the results of tasks that tell what they change under names of their own (`__<role>_...`). So drift is what
site.yml would change, told by the same modules.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.selfhost.aistack.plugins.plugin_utils.report_text import (
    columns,
    count,
    one_line,
    remarks,
)

# What drift.yml itself registers; everything else with two underlines in front is a role's.
HOST = "__drift_host"
FAILURES = "__drift_failures"
REPORT = "__drift_report"

NONE, DRIFT, ERROR = "none", "drift", "error"


def collect(hosts: Iterable[str], hostvars: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return {"outcome", "hosts", "drift", "notes", "errors"} of these hosts, in their order.

    drift: {host, kind, name, action, why}; action is what site.yml would do about it. notes: {host, kind, name, what}: what is
    worth to be known and stays as it is. errors: {host, where, why}: what could not be looked at. outcome: "error" if there is
    an error, otherwise "drift" or "none".
    """
    names = list(hosts)
    found: dict[str, Any] = {"outcome": NONE, "hosts": names, "drift": [], "notes": [], "errors": []}
    for host in names:
        _collect_host(found, host, hostvars[host])
    if not names:
        found["errors"].append({"host": "-", "where": "inventory", "why": "It has no host that could be looked at."})
    if found["errors"]:
        found["outcome"] = ERROR
    elif found["drift"]:
        found["outcome"] = DRIFT
    return found


def _collect_host(found: dict[str, Any], host: str, variables: Mapping[str, Any]) -> None:
    looked = variables.get(HOST)
    failures = list(variables.get(FAILURES) or [])
    for name in sorted(key for key in variables if key.startswith("__")):
        if name in (FAILURES, REPORT):
            continue
        result = variables[name]
        if not isinstance(result, Mapping) or not ("changed" in result or "unreachable" in result):
            continue
        for part in result.get("results") or [result]:
            if part.get("unreachable"):
                failures.append({"where": "host", "why": str(part.get("msg", "The host cannot be reached."))})
            elif not part.get("skipped"):
                _add(found["drift"], [dict(change, host=host) for change in _changes(name, part)])
                notes = [
                    {"kind": "warning", "name": _words(name), "what": one_line(text)}
                    for text in part.get("warnings", [])
                ]
                _add(found["notes"], [dict(note, host=host) for note in notes])
    if isinstance(looked, Mapping):
        found["notes"] += [dict(note, host=host) for note in looked.get("notes", [])]
        failures += [{"where": "engine", "why": problem} for problem in looked.get("problems", [])]
    if not looked and not failures:
        failures.append({"where": "host", "why": "It was not looked at."})
    for failure in failures:
        _add(found["errors"], [{"host": host, "where": failure["where"], "why": one_line(failure["why"])}])


def _changes(name: str, result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The changes that a result tells; a module of somebody else tells only that there are some."""
    told = result.get("changes")
    if isinstance(told, list):
        # A new number of a release only follows from what else differs.
        return [dict(change) for change in told if change["kind"] != "release" or len(told) == 1]
    return [{"kind": "task", "name": _words(name), "action": "change", "why": []}] if result.get("changed") else []


def _words(name: str) -> str:
    return name.strip("_").replace("_", " ")


def _add(entries: list[dict[str, Any]], new: list[dict[str, Any]]) -> None:
    """Add what is not there yet: two tasks may tell the same thing."""
    entries += [entry for entry in new if entry not in entries]


def table(found: Mapping[str, Any]) -> str:
    """The text for a person: drift, then what could not be looked at, then notes, and one sentence that sums it up."""
    drift = [[e["host"], e["kind"], e["name"], e["action"], ", ".join(e["why"])] for e in found["drift"]]
    head = ["HOST", "KIND", "NAME", "SITE.YML WOULD", "BECAUSE OF"]
    return "\n\n".join([*columns(head, drift), *remarks(found), summary(found)])


def summary(found: Mapping[str, Any]) -> str:
    """One sentence on the whole."""
    drift, errors = found["drift"], found["errors"]
    differences = count(len(drift), "difference")
    if errors:
        held = count(len({entry["host"] for entry in errors}), "host")
        return (
            f"Not everything could be looked at: {count(len(errors), 'error')} on {held}; {differences} found besides."
        )
    if drift:
        return (
            f"Drift: {differences} on {count(len({entry['host'] for entry in drift}), 'host')}; site.yml puts it right."
        )
    return f"No drift: {count(len(found['hosts']), 'host')} as the inventory says."
