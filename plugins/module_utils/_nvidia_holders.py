# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which containers hold which GPUs, and how they came by them.

Private to the collection. running() only reads; the other functions are pure.

There are three ways. By CDI the engine itself gives a container its devices. By NVIDIA's hook they come in behind the engine's back, and
are gone when systemd reads its units anew. And a person may hand over the plain devices, without the driver's libraries.
"""

from __future__ import annotations

import os
import re

from ansible_collections.selfhost.aistack.plugins.module_utils import _nvidia_cdi as cdi
from ansible_collections.selfhost.aistack.plugins.module_utils._compose_observe import LABEL_PROJECT, LABEL_SERVICE
from ansible_collections.selfhost.aistack.plugins.module_utils._nvidia_driver import usable

CDI, HOOK, DEVICE = "cdi", "hook", "device"
_VISIBLE = "NVIDIA_VISIBLE_DEVICES="
# What this variable says in a container that has its GPUs by CDI, however it asked for them; and of one that wants none.
_VOID = "void"
_NO_GPU = ("", "none")
_PLAIN = re.compile(r"/dev/nvidia(\d+)")


def running(docker, root="/"):
    """The containers that run, each as the engine shows it, with what NVIDIA_VISIBLE_DEVICES says in it as C(Visible)."""
    if not docker.available():
        return []
    inspected = [docker.inspect(listed["Id"]) for listed in docker.get("/containers/json")]
    return [dict(found, Visible=_visible(root, found["State"]["Pid"])) for found in inspected if found]


def _visible(root, process):
    try:
        with open(os.path.join(root, f"proc/{process}/environ"), encoding="utf-8", errors="replace") as handle:
            return _last(handle.read().split("\0"))
    except OSError:
        return ""


def _last(environment):
    """The value of NVIDIA_VISIBLE_DEVICES in a list of NAME=value; empty without it."""
    values = [entry[len(_VISIBLE) :] for entry in environment if entry.startswith(_VISIBLE)]
    return values[-1] if values else ""


def loses_gpus_on_reload(container):
    """Whether a container may have GPUs in a way that a reload of systemd's units takes away: by NVIDIA's hook, and not by CDI.

    :param container: one of those of running().
    """
    settings = container["HostConfig"]
    asks = settings.get("Runtime") == "nvidia" or any(map(_is_by_hook, settings.get("DeviceRequests") or []))
    # Newer engines and toolkits answer such a request by CDI.
    return asks and container["Visible"] != _VOID


def _is_by_hook(request):
    named = request.get("Driver")
    return named == "nvidia" or (not named and any("gpu" in group for group in request.get("Capabilities") or []))


def holders(containers, gpus, specs, minors):
    """Who holds which GPU: [{"container", "project", "service", "by", "privileged", "gpus", "unknown"}], by the names of the containers.

    :param containers: as running() returns them.
    :param gpus: as _nvidia_driver.gpus() returns them.
    :param specs: the CDI specifications, {path: as _nvidia_cdi.parse() returns it}.
    :param minors: as _nvidia_driver.minors() returns them.
    """
    parts = usable(gpus)
    known = {name: [gpu["uuid"]] for gpu in gpus for name in (str(gpu["index"]), gpu["uuid"])}
    known.update({name: [pair[1]] for pair in parts for name in pair}, all=[uuid for _number, uuid in parts])
    # A person's own specification may have names of its own for devices, of which nobody knows to which GPU they belong.
    named = {name for spec in specs.values() if spec["kind"] == cdi.KIND for name in spec["devices"]}
    own = {name: [name] for name in named if not cdi.is_generated(name)}
    meant = {CDI: {**own, **known}, HOOK: known, DEVICE: {**known, **{name: [uuid] for name, uuid in minors.items()}}}
    found = [
        {
            **_who(container),
            "by": by,
            "gpus": list(dict.fromkeys(uuid for name in names for uuid in meant[by].get(name, []))),
            "unknown": [name for name in names if name not in meant[by]],
        }
        for container in containers
        for by, names in _claims(container).items()
        if names
    ]
    return sorted(found, key=lambda holder: (holder["container"], holder["by"]))


def _who(container):
    labels = container["Config"].get("Labels") or {}
    settings = container["HostConfig"]
    return {
        "container": container_name(container),
        "project": labels.get(LABEL_PROJECT, ""),
        "service": labels.get(LABEL_SERVICE, ""),
        # As the hook sees it.
        "privileged": bool(settings.get("Privileged"))
        or any(part in ("ALL", "SYS_ADMIN", "CAP_SYS_ADMIN") for part in settings.get("CapAdd") or []),
    }


def container_name(container):
    """The name of a container."""
    return container["Name"].lstrip("/")


def _claims(container):
    """What a container was given, {by: names of GPUs}."""
    settings = container["HostConfig"]
    requests = settings.get("DeviceRequests") or []
    asked = [part for request in requests if request.get("Driver") == "cdi" for part in request.get("DeviceIDs") or []]
    by_cdi = [part.partition("=")[2] for part in asked if part.startswith(f"{cdi.KIND}=")]
    by_hook = [part for request in requests if _is_by_hook(request) for part in _requested(request)]
    # A request has the last word on that variable.
    if settings.get("Runtime") == "nvidia" and not by_cdi and not by_hook:
        by_hook = _wanted(_last(container["Config"].get("Env") or []))
    if container["Visible"] == _VOID:
        by_cdi, by_hook = by_cdi + by_hook, []
    plain = [_PLAIN.fullmatch(device["PathOnHost"]) for device in settings.get("Devices") or []]
    return {CDI: by_cdi, HOOK: by_hook, DEVICE: [found.group(1) for found in plain if found]}


def _requested(request):
    """The names of the GPUs in a request. The engine counts from the first one."""
    count = request.get("Count") or 0
    return ["all"] if count < 0 else request.get("DeviceIDs") or [str(number) for number in range(count)]


def _wanted(value):
    """The names of the GPUs in a value of NVIDIA_VISIBLE_DEVICES, be they written as those of CDI."""
    names = [part.strip().rpartition("=")[2] for part in value.split(",")]
    return [] if _VOID in names else [part for part in names if part not in _NO_GPU]
