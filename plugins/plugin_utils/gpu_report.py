# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all GPU hosts told of themselves, put together: what they have, who holds it, and what is wrong, as tables and as JSON.

Private to the collection. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.selfhost.aistack.plugins.module_utils import _nvidia_cdi as cdi
from ansible_collections.selfhost.aistack.plugins.module_utils._nvidia_driver import usable
from ansible_collections.selfhost.aistack.plugins.module_utils._nvidia_holders import HOOK
from ansible_collections.selfhost.aistack.plugins.module_utils._nvidia_host import REPOSITORY_FILE
from ansible_collections.selfhost.aistack.plugins.module_utils._nvidia_toolkit import ENVVAR_KEY, PACKAGES
from ansible_collections.selfhost.aistack.plugins.plugin_utils.report_text import (
    columns,
    count,
    one_line,
    remarks,
)

# What the role nvidia_runtime registers of its look at the host, and what gpu_report.yml notes of why it would have ended there.
FOUND = "__nvidia_runtime_found"
FAILURES = "__gpu_report_failures"

NONE, WRONG, ERROR = "none", "wrong", "error"

_PLAY = "play the role nvidia_runtime, as selfhost.aistack.site does"
_KEPT = ("driver", "uvm", "cdi", "gpus", "holders", "persistenced")


def collect(hosts: Iterable[str], hostvars: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return {"outcome", "hosts", "wrong", "notes", "errors"} of these hosts, in their order.

    hosts: what each has, of those that could be looked at. wrong: {host, what}. notes: {host, kind, name, what}. errors: {host, where,
    why}: what could not be looked at. outcome: "error" if there is an error, otherwise "wrong" or "none".
    """
    found: dict[str, Any] = {"outcome": NONE, "hosts": [], "wrong": [], "notes": [], "errors": []}
    for host in hosts:
        looked = hostvars[host].get(FOUND) or {}
        failures = hostvars[host].get(FAILURES) or []
        if "problems" not in looked:
            told = [looked["msg"]] if "msg" in looked else failures or ["It was not looked at."]
            whys = [one_line(why).removeprefix("Task failed: ") for why in told]
            found["errors"] += [{"host": host, "where": "host", "why": why} for why in whys]
            continue
        toolkit = {"packages": looked["packages"], "held": looked["held"], "accepts_envvar": looked["accepts_envvar"]}
        found["hosts"].append({"host": host, "toolkit": toolkit, **{part: looked[part] for part in _KEPT}})
        found["wrong"] += [{"host": host, "what": one_line(what)} for what in wrong(looked, failures)]
        found["notes"] += [dict(note, host=host) for note in shared(looked["holders"])]
        if looked["engine_off"]:
            why = "The engine of this host does not run, so that nobody can tell who holds its GPUs: start it with systemctl start docker."
            found["errors"].append({"host": host, "where": "engine", "why": why})
    if found["errors"]:
        found["outcome"] = ERROR
    elif found["wrong"]:
        found["outcome"] = WRONG
    return found


def wrong(looked: Mapping[str, Any], failures: Sequence[str] = ()) -> list[str]:
    """Sentences on what is wrong with a host and what to do.

    looked: what nvidia_host_info returned. failures: what the role made of it, such as a claim for a GPU that is not there.
    """
    told = list(dict.fromkeys([*looked["problems"], *failures]))
    if looked["install_driver"]:
        told.append(f"The host has no NVIDIA driver ({', '.join(looked['install_driver'])} would bring it): {_PLAY}.")
    if looked["driver"]["loaded"] and not looked["uvm"]:
        told.append(
            "The driver is loaded, but there is no /dev/nvidia-uvm, without which no program can use CUDA: run nvidia-modprobe -u -c=0, at"
            " every boot before the engine starts its containers."
        )
    told += _packages(looked)
    # Without a GPU to be seen, which is a problem of its own, everything would seem to be gone.
    if looked["gpus"]:
        told += _specification(looked) + [_unknown(holder) for holder in looked["holders"] if holder["unknown"]]
    told += [_by_hook(holder, looked) for holder in looked["holders"] if holder["by"] == HOOK and holder["gpus"]]
    for change in looked["changes"]:
        if change["kind"] != "package" and change["name"] not in (cdi.OWN, REPOSITORY_FILE):
            told.append(
                f"{change['name']} is not as the role nvidia_runtime has it ({', '.join(change['why'])}): {_PLAY}."
            )
    if not looked["settled"] and not looked["engine_off"]:
        told.append(
            "Settings of the role nvidia_runtime, in daemon.json or in files of its own, are missing or were changed:"
            f" {_PLAY}."
        )
    return told


def _packages(looked: Mapping[str, Any]) -> list[str]:
    there, told = looked["packages"], []
    missing = [name for name in PACKAGES if name not in there]
    older = [name for name in looked["install"] if name in there]
    loose = [name for name in PACKAGES if name in there and name not in looked["held"]]
    if missing:
        told.append(f"Packages of the NVIDIA container toolkit are missing ({', '.join(missing)}): {_PLAY}.")
    if older:
        told.append(
            f"The NVIDIA container toolkit is {there[older[0]]}, older than nvidia_runtime_toolkit_version: {_PLAY}."
        )
    if loose:
        told.append(
            f"Packages of the NVIDIA container toolkit are not on hold ({', '.join(loose)}), so that an upgrade may change one of them"
            f" alone: {_PLAY}."
        )
    return told


def _specification(looked: Mapping[str, Any]) -> list[str]:
    spec = looked["cdi"].get(cdi.OWN)
    if spec is None:
        return [f"{cdi.OWN} is missing, which describes the GPUs for CDI: {_PLAY}."]
    why = cdi.stale(spec, looked["driver"]["installed"], looked["gpus"])
    return [f"{cdi.OWN} does not fit the host any more ({', '.join(why)}): {_PLAY}."] if why else []


def _unknown(holder: Mapping[str, Any]) -> str:
    return (
        f"The container {holder['container']} was given {', '.join(holder['unknown'])}, which no GPU of this host is any more: give it one"
        " that is there, and create it anew."
    )


def _by_hook(holder: Mapping[str, Any], looked: Mapping[str, Any]) -> str:
    cure = f"give it its GPUs by CDI (driver: cdi, device_ids: {_cdi_names(holder['gpus'], looked['gpus'])}), and create it anew"
    if holder["privileged"] or looked["accepts_envvar"]:
        return (
            f"The container {holder['container']} has its GPUs by NVIDIA's hook and loses them when systemd reads its units anew, as most"
            f" package installations have it do: {cure}."
        )
    return (
        f"The container {holder['container']} asks for its GPUs by NVIDIA's hook, which gives none to a container that is not privileged"
        f" ({ENVVAR_KEY} is false), so that it runs without them, if not now then after its next start: {cure}."
    )


def _cdi_names(uuids: Sequence[str], gpus: Sequence[Mapping[str, Any]]) -> str:
    everything = {uuid for _number, uuid in usable(gpus)}
    names = ["all"] if len(uuids) > 1 and set(uuids) == everything else uuids
    return f"[{', '.join(f'{cdi.KIND}={name}' for name in names)}]"


def shared(holders: Iterable[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Notes on GPUs that containers of different projects hold. A container that is of no project is one of its own."""
    projects: dict[str, dict[str, list[str]]] = {}
    for holder in holders:
        for uuid in holder["gpus"]:
            who = projects.setdefault(uuid, {}).setdefault(holder["project"] or f"/{holder['container']}", [])
            who += [holder["container"]] if holder["container"] not in who else []
    return [
        {
            "kind": "shared",
            "name": uuid,
            "what": f"is held by {' and '.join(name for who in several.values() for name in who)}, which share its memory",
        }
        for uuid, several in projects.items()
        if len(several) > 1
    ]


def table(found: Mapping[str, Any]) -> str:
    """The text for a person: what the hosts have, what is wrong, what could not be looked at, notes, and one sentence on all of it."""
    parts = [
        *columns(["HOST", "DRIVER LOADED", "INSTALLED", "ON DISK", "TOOLKIT", "HELD"], map(_versions, found["hosts"])),
        *columns(
            ["HOST", "GPU", "NAME", "UUID", "HELD BY"], [row for host in found["hosts"] for row in _gpu_rows(host)]
        ),
        *columns(
            ["HOST", "CDI SPECIFICATION", "FOR DRIVER", "DEVICES"],
            [[host["host"], *row] for host in found["hosts"] for row in map(_spec_row, sorted(host["cdi"].items()))],
        ),
        *columns(["HOST", "WRONG"], [[entry["host"], entry["what"]] for entry in found["wrong"]]),
    ]
    return "\n\n".join([*parts, *remarks(found), summary(found)])


def _versions(host: Mapping[str, Any]) -> list[str]:
    packages, held = host["toolkit"]["packages"], host["toolkit"]["held"]
    return [
        host["host"],
        *(host["driver"][part] or "-" for part in ("loaded", "installed", "on_disk")),
        " and ".join(sorted(set(packages.values()))) or "-",
        f"{len(held)} of {len(packages)} packages" if packages else "-",
    ]


def _gpu_rows(host: Mapping[str, Any]) -> list[list[str]]:
    holders: dict[str, list[str]] = {}
    for holder in host["holders"]:
        of = f"{holder['project']}/{holder['service']}, " if holder["project"] else ""
        for uuid in holder["gpus"]:
            holders.setdefault(uuid, []).append(f"{holder['container']} ({of}{holder['by']})")
    rows = []
    for gpu in host["gpus"]:
        rows.append([str(gpu["index"]), gpu["name"] + (", MIG" if gpu["mig_mode"] or gpu["mig"] else ""), gpu["uuid"]])
        rows += [[f"{gpu['index']}:{mig['index']}", f"MIG {mig['profile']}", mig["uuid"]] for mig in gpu["mig"]]
    seen = {row[-1] for row in rows}
    rows += [["-", "named by a specification", name] for name in holders if name not in seen]
    return [[host["host"], *row, "; ".join(holders.get(row[-1], ["-"]))] for row in rows]


def _spec_row(item: tuple[str, Mapping[str, Any]]) -> list[str]:
    path, spec = item
    short = [name for name in spec["devices"] if not name.startswith(("GPU-", "MIG-"))]
    more = [f"{len(spec['devices']) - len(short)} by UUID"] if len(short) < len(spec["devices"]) else []
    return [path, " and ".join(spec["drivers"]) or "-", f"{spec['kind']}: {', '.join([*short, *more]) or '-'}"]


def summary(found: Mapping[str, Any]) -> str:
    """One sentence on the whole."""
    wrong_things = count(len(found["wrong"]), "problem")
    if found["errors"]:
        held = count(len({entry["host"] for entry in found["errors"]}), "host")
        return f"Not everything could be looked at: {count(len(found['errors']), 'error')} on {held}; {wrong_things} found besides."
    if found["wrong"]:
        return f"Wrong: {wrong_things} on {count(len({entry['host'] for entry in found['wrong']}), 'GPU host')}."
    return f"Nothing is wrong: {count(len(found['hosts']), 'GPU host')}."
