# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What changed on a host between two of its states, in the words in which the modules foretell it. Pure.

This is the other half of the proof: the modules say what they do, and this says what was done, from states that were read by
means that are not theirs.
"""

from __future__ import annotations

import re
from typing import Any

Thing = tuple[str, str, str]

# Our own bookkeeping, which no module foretells: records of releases, what a run remembers, locks.
_BOOKKEEPING = re.compile(
    r"/opt/aistack/[^/]+/(state\.json|\.lock|releases/.*)|/etc/docker/(\.aistack-daemon|key)\.json"
)
_RELEASE = re.compile(r"/opt/aistack/([^/]+)/releases/([0-9]+)")
# Kinds of a prediction that a state cannot show one by one: packages bring others, and a task of a foreign module is told by
# its name alone.
UNSEEN = {"package", "task"}


def came_true(before: dict[str, Any], after: dict[str, Any]) -> set[Thing]:
    """All that changed, as (kind, name, action). Packages are told by packages_that_came()."""
    return (
        _files(before, after)
        | _images(before, after)
        | _named("network", _of_people(before["networks"]), _of_people(after["networks"]))
        | _volumes(before["volumes"], after["volumes"])
        | _services(before, after)
        | {("sysctl", name, "change") for name in _differing(before["sysctls"], after["sysctls"])}
        | _unit(before["guard"], after["guard"])
        | _named("daemon key", before["engine"]["keys"], after["engine"]["keys"])
        | _engine(before, after)
        | _stored(before["garage"], after["garage"])
    )


def packages_that_came(before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    """Names of the packages that are installed after and were not before."""
    names = [{line.split()[0] for line in state["moments"]["packages"]} for state in (before, after)]
    return names[1] - names[0]


def foretold(things: set[Thing]) -> set[Thing]:
    """What a run foretold or told, in the form of came_true(): an image that is named by digest goes by that alone."""
    return {
        (kind, _reference(name) if kind == "image" else name, action)
        for kind, name, action in things
        if kind not in UNSEEN
    }


def _reference(name: str) -> str:
    head, at, digest = name.partition("@")
    if not at:
        return name
    repository, _sep, last = head.rpartition("/")
    return f"{repository}/{last.partition(':')[0]}@{digest}"


def _differing(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    return [name for name in sorted(set(before) | set(after)) if before.get(name) != after.get(name)]


def _verb(before: Any, after: Any) -> str:
    if before is None:
        return "create"
    return "remove" if after is None else "change"


def _named(kind: str, before: dict[str, Any], after: dict[str, Any]) -> set[Thing]:
    return {(kind, name, _verb(before.get(name), after.get(name))) for name in _differing(before, after)}


def _files(before: dict[str, Any], after: dict[str, Any]) -> set[Thing]:
    """Files; folders whose owner or mode is another; leftovers of cut runs that are gone; releases that came."""
    left = set(before["leftovers"]) - set(after["leftovers"])
    plain, folders = [], []
    for side in (before["files"], after["files"]):
        known = {path: entry for path, entry in side.items() if path not in left and not _BOOKKEEPING.fullmatch(path)}
        plain.append({path: entry for path, entry in known.items() if entry[0] != "folder"})
        folders.append({path: entry for path, entry in known.items() if entry[0] == "folder"})
    both = {path for path in folders[0] if path in folders[1]}
    releases = {_RELEASE.fullmatch(path) for path in set(after["files"]) - set(before["files"])}
    return (
        _named("file", *plain)
        | {("folder", path, "change") for path in both if folders[0][path] != folders[1][path]}
        | {("leftover", path, "remove") for path in left}
        | {("release", f"{found.group(1)}/{found.group(2)}", "create") for found in releases if found}
    )


def _images(before: dict[str, Any], after: dict[str, Any]) -> set[Thing]:
    """References that came or were given to another image; what a pull by tag also brings, the digest's name, is one with it."""
    ids = [state["moments"]["images"] for state in (before, after)]
    came = [name for name in _differing(*ids) if name in ids[1]]
    tagged = {(name.rpartition(":")[0], ids[1][name]) for name in came if "@" not in name}
    return {
        ("image", name, "build" if name.startswith("aistack/") else "pull")
        for name in came
        if "@" not in name or (name.partition("@")[0], ids[1][name]) not in tagged
    }


def _of_people(networks: dict[str, Any]) -> dict[str, Any]:
    return {name: entry for name, entry in networks.items() if name not in ("bridge", "host", "none")}


def _volumes(before: dict[str, Any], after: dict[str, Any]) -> set[Thing]:
    things = _named("volume", before, after)
    return {(kind, name, "own" if action == "change" else action) for kind, name, action in things}


def _services(before: dict[str, Any], after: dict[str, Any]) -> set[Thing]:
    """Containers by what became of them; Caddy's alone can be told to reread its configuration."""
    things = set()
    names = {**before["containers"], **after["containers"]}
    for container, entry in names.items():
        labels = entry["labels"]
        project, service = labels.get("com.docker.compose.project", ""), labels.get("com.docker.compose.service")
        name = f"{project.removeprefix('aistack_')}/{service}" if service else container
        was, now = (state["moments"]["containers"].get(container) for state in (before, after))
        if was is None or now is None:
            things.add(("service", name, "create" if was is None else "remove"))
        elif was["id"] != now["id"]:
            things.add(("service", name, "recreate"))
        elif was["started"] != now["started"]:
            things.add(("service", name, "start"))
        elif service == "caddy" and before["caddy"] != after["caddy"]:
            things.add(("service", name, "reload"))
    return things


def _engine(before: dict[str, Any], after: dict[str, Any]) -> set[Thing]:
    """The engine; one that came with its package started with it and is no change of its own."""
    was, now = before["engine"], after["engine"]
    if was["enabled"] in (None, ""):
        return set()
    if was["active"] != now["active"] or was["enabled"] != now["enabled"]:
        return {("engine", "docker", "start")}
    if before["moments"]["engine"] != after["moments"]["engine"]:
        return {("engine", "docker", "restart")}
    return {("engine", "docker", "reload")} if was["says"] != now["says"] else set()


def _unit(before: str | None, after: str | None) -> set[Thing]:
    """The unit that loads the rules for addresses of containers."""
    if before == after:
        return set()
    return {("unit", "aistack-guard.service", "remove" if after is None else "start")}


def _stored(before: dict[str, Any] | None, after: dict[str, Any] | None) -> set[Thing]:
    """Layout, keys by name and buckets by their first alias; a Garage that is not there has none of them."""
    nothing = {"layout": None, "keys": {}, "buckets": {}}
    was, now = before or nothing, after or nothing
    keys = [{entry["name"]: (key, entry) for key, entry in side["keys"].items()} for side in (was, now)]
    things = _named("key", *keys) | _named("bucket", was["buckets"], now["buckets"])
    return things | ({("layout", "garage", "apply")} if was["layout"] != now["layout"] else set())
