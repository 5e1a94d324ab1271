# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has to change: the wanted app against files on disk, the recorded release and running containers. Pure.

Private to the collection.

The same plan is what check mode reports and what a real run carries out.
"""

from __future__ import annotations

from ansible_collections.selfhost.aistack.plugins.module_utils._compose_observe import altered

# What is done with a service's container.
NONE, UP, FORCE, RELOAD, REMOVE = "none", "up", "force", "reload", "remove"


def under(path, key):
    """Whether a path is meant by a reload key: the file itself, or any file below a key that ends with a slash."""
    return path.startswith(key) if key.endswith("/") else path == key


def plan_files(wanted, found, present):
    """One entry {path, changed, before, after} for each wanted file, and for each other one that is there.

    wanted: the bundle's files. found: {path: what _files.look says}. present: paths that lie in the app's folder or that the
    current release has.
    """
    entries = []
    for entry in wanted:
        there = found.get(entry["path"])
        same = there is not None and all(there[key] == entry[key] for key in ("digest", "mode", "uid", "gid"))
        entries.append(
            {"path": entry["path"], "changed": not same, "before": there and there["digest"], "after": entry["digest"]}
        )
    names = {entry["path"] for entry in wanted}
    for path in sorted(set(present) - names):
        if found.get(path) is not None:
            entries.append({"path": path, "changed": True, "before": found[path]["digest"], "after": None})
    return entries


def input_changes(recorded, wanted):
    """Words for what differs between the recorded inputs of a service and the wanted ones."""
    if not recorded:
        return ["configuration"]
    words = []
    if recorded["image"] != wanted["image"]:
        words.append("image")
    if recorded["environment"] != wanted["environment"]:
        words.append("environment")
    for path in sorted(set(recorded["files"]) | set(wanted["files"])):
        if recorded["files"].get(path) != wanted["files"].get(path):
            words.append(f"content of {path}")
    for key in sorted(set(recorded["definition"]) | set(wanted["definition"])):
        if recorded["definition"].get(key) != wanted["definition"].get(key):
            words.append(f"{key}")
    return words or ["configuration"]


def image_moved(image, running, local, recorded):
    """Whether a container runs another image than the host has under the wanted name.

    Engines differ in whether a container names its image as the image list does, so what the two were called when the
    release was recorded counts where it is known.
    """
    if local is None:
        # What is pulled by its digest is what ran under that digest.
        pinned = recorded and recorded.get("image_digest") == image.partition("@")[2]
        return not (pinned and running == recorded["image_id"])
    if recorded and recorded.get("local_image_id"):
        return (running, local) != (recorded["image_id"], recorded["local_image_id"])
    return running != local


def plan_service(service, observed, recorded, image_id, edited, doubles=()):
    """(action, [why]) for one service.

    service: its entry in the bundle. observed: Observed or None. recorded: its entry in the current release or None.
    image_id: id of the wanted image on the host, None if it is not there. edited: mounted files whose content on disk is not
    the wanted one. doubles: names of further containers of the service.
    """
    if observed is None:
        return UP, ["no container"]
    why, force = [], False
    same_inputs = observed.inputs_hash == service["hash"]
    if not same_inputs:
        why += input_changes((recorded or {}).get("inputs"), service["inputs"])
    if "image" not in why and image_moved(service["image"], observed.image_id, image_id, recorded):
        why.append("image digest")
    if same_inputs:
        by_hand = (
            altered(recorded["fingerprint"], observed.fingerprint) if recorded and recorded.get("fingerprint") else []
        )
        why += [f"{word} changed by hand" for word in by_hand]
        why += [f"content of {path}" for path in edited]
        force = bool(by_hand or edited)
    finished = service["one_shot"] and observed.state == "exited" and observed.exit_code == 0
    if not observed.running and not finished:
        why.append(observed.stopped_because())
        force = force or observed.state == "paused"
    elif observed.health == "unhealthy":
        why.append("unhealthy")
        force = True
    why += [f"further container {name}" for name in doubles]
    if not why:
        return NONE, []
    return (FORCE if force else UP), why


def plan_services(bundle, files, observed, release, images, loaded, doubles):
    """{service: {action, why}} for wanted services and for those that are no longer declared.

    files: of plan_files. release: the current release's record or {}. images: {reference: id or None}. loaded: {reload key:
    digest of what its service has read}. doubles: {service: names of its further containers}.
    """
    content_changed = {e["path"] for e in files if e["before"] != e["after"]}
    plans = {}
    for name, service in bundle["services"].items():
        edited = [path for path in sorted(content_changed) if sees(service, path, bundle["reload"])]
        recorded = (release.get("services") or {}).get(name)
        action, why = plan_service(
            service, observed.get(name), recorded, images.get(service["image"]), edited, doubles.get(name, ())
        )
        if action == NONE:
            stale = [
                key
                for key, spec in bundle["reload"].items()
                if spec["service"] == name
                and (loaded.get(key) != wanted_load(bundle, key) or any(under(path, key) for path in content_changed))
            ]
            if stale:
                action, why = RELOAD, [f"content of {key}" for key in stale]
        plans[name] = {"action": action, "why": why}
    for name in sorted(set(observed) - set(bundle["services"])):
        plans[name] = {"action": REMOVE, "why": ["no longer declared"]}
    return plans


def sees(service, path, reload):
    """Whether a service mounts a file that it must be started anew for, one that only a hand has put there included."""
    mounted = path in service["inputs"]["files"] or any(under(path, f"{place}/") for place in service["mounts"])
    return mounted and not any(under(path, key) for key in reload)


def wanted_load(bundle, key):
    """What a service must have read under a reload key: the wanted digests of all files there."""
    return {entry["path"]: entry["digest"] for entry in bundle["files"] if under(entry["path"], key)}
