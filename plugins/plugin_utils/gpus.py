# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which GPUs a service asks for, whether a host has them to give, and which build of an image can use them.

Pure. What a host has is what M(selfhost.aistack.nvidia_host_info) returns.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.selfhost.aistack.plugins.module_utils._nvidia_cdi import KIND
from ansible_collections.selfhost.aistack.plugins.module_utils._nvidia_driver import usable
from ansible_collections.selfhost.aistack.plugins.module_utils._version import numbers
from ansible_collections.selfhost.aistack.plugins.plugin_utils.checks import show

ACCEPTED = (
    "none, all, a number of GPUs such as 1, or a list of ids such as ['0'], ['GPU-5d5ba0d6-d33d-2b2c-524d-9e3d8d2b8a77'] or, of a MIG"
    " device, ['0:1'] or its UUID"
)
_ID = re.compile(r"\d+(:\d+)?|(GPU|MIG)-[0-9A-Za-z/-]+")
# The last part of the name of an image that is built for a processor alone or for one version of CUDA.
_BUILD = re.compile(r"-(cpu|cu\d+)$")


@dataclass(frozen=True)
class Unit:
    """What can be given to a container: a GPU that is not divided, or a MIG device of one that is."""

    index: str
    uuid: str
    name: str
    capability: str


def wish_problems(value: Any, name: str) -> list[str]:
    """One sentence if a wish for GPUs is none that is understood. Its form alone is looked at, no host."""
    if value in ("none", "all") or (_count(value) or 0) > 0:
        return []
    if isinstance(value, list) and value and all(_ID.fullmatch(str(each)) for each in value):
        twice = sorted({str(each) for each in value if value.count(each) > 1})
        return [f"{name} names {', '.join(twice)} more than once: name each once."] if twice else []
    told = "not set" if value is None or value == "" else f"{show(value)}, which is no choice of GPUs"
    return [f"{name} is {told}: set it to {ACCEPTED}."]


def _count(value: Any) -> int | None:
    """The number of GPUs that is asked for, if it is a number; a variable of the command line is a string."""
    if isinstance(value, bool) or not (isinstance(value, int) or (isinstance(value, str) and value.isdigit())):
        return None
    return int(value)


def units(gpus: Iterable[Mapping[str, Any]]) -> list[Unit]:
    """What the GPUs of a host can be given as, in the order of their indexes."""
    return [Unit(number, uuid, gpu["name"], gpu["capability"]) for gpu in gpus for number, uuid in usable([gpu])]


def chosen(value: Any, gpus: Sequence[Mapping[str, Any]]) -> list[Unit]:
    """The units of a host that a wish comes to; those that it lacks are left out. The first ones, if a number is asked for."""
    there = units(gpus)
    if value == "none":
        return []
    if value == "all":
        return there
    count = _count(value)
    if count is not None:
        return there[:count]
    wanted = [str(each) for each in value]
    return [unit for each in wanted for unit in there if each in (unit.index, unit.uuid)]


def devices(value: Any, gpus: Sequence[Mapping[str, Any]]) -> list[str]:
    """The names of the CDI devices that a container is given. By the ids that a person chose, which outlive a changed order."""
    if value == "none":
        return []
    if value == "all":
        return [f"{KIND}=all"]
    if isinstance(value, list):
        return [f"{KIND}={each}" for each in value]
    return [f"{KIND}={unit.index}" for unit in chosen(value, gpus)]


def seen(given: Iterable[str]) -> int:
    """How many GPUs PyTorch sees in a container with these CDI devices; at least that many of all. Of several MIG devices it sees one."""
    names = [each.partition("=")[2] for each in given]
    return 1 if any(name == "all" or name.startswith("MIG-") or ":" in name for name in names) else len(names)


def claim_problems(
    claims: Sequence[Mapping[str, Any]], gpus: Sequence[Mapping[str, Any]], holders: Iterable[Mapping[str, Any]]
) -> list[str]:
    """Sentences about claims that a host cannot meet, or that meet each other or a container on one GPU.

    :param claims: each with C(name), the variable; C(gpu), its value; C(shared), whether others may have the same GPUs;
        C(app), the app whose containers are the claim's own.
    :param gpus: those of the host.
    :param holders: the containers that have GPUs now.
    """
    known = [{"shared": False, "app": "", **claim} for claim in claims if claim["gpu"] != "none"]
    found = [sentence for claim in known for sentence in _lacking(claim["name"], claim["gpu"], gpus)]
    if found:
        return found
    for number, claim in enumerate(known):
        for other in known[:number]:
            both = _common(chosen(claim["gpu"], gpus), chosen(other["gpu"], gpus))
            if both and not (claim["shared"] and other["shared"]):
                found.append(
                    f"{other['name']} and {claim['name']} both ask for GPU {both}: give them different ones, or declare for both that they"
                    " share it."
                )
    for holder in holders:
        for claim in known:
            held = [unit for unit in chosen(claim["gpu"], gpus) if unit.uuid in holder["gpus"]]
            if held and not claim["shared"] and not _is_own(holder, claim):
                found.append(
                    f"{claim['name']} is {show(claim['gpu'])}, and the container {holder['container']} has GPU"
                    f" {_common(held, held)}: stop that one, choose another GPU, or declare that they share it."
                )
    return found


def _is_own(holder: Mapping[str, Any], claim: Mapping[str, Any]) -> bool:
    return bool(claim["app"]) and holder["project"] == f"aistack_{claim['app']}"


def _common(some: Sequence[Unit], others: Sequence[Unit]) -> str:
    return ", ".join(unit.index for unit in some if unit in others)


def _lacking(name: str, value: Any, gpus: Sequence[Mapping[str, Any]]) -> list[str]:
    there = units(gpus)
    has = "has " + (", ".join(f"{unit.index} ({unit.uuid})" for unit in there) or "none")
    count = _count(value)
    if count is not None and count > len(there):
        return [f"{name} is {count}, and the host has {len(there)} to give: set it to at most that."]
    if value == "all" and not there:
        return [f"{name} is all, and the host has no GPU to give: set it to none, or put a GPU into the host."]
    if not isinstance(value, list):
        return []
    told = []
    for each in map(str, value):
        if any(each in (unit.index, unit.uuid) for unit in there):
            continue
        divided = [gpu for gpu in gpus if each in (str(gpu["index"]), gpu["uuid"])]
        if divided:
            told.append(
                f"{name} names {each}, which is divided by MIG and is not given as a whole: name its parts (the host {has})."
            )
        else:
            gone = (
                "a MIG device that the host does not have any more"
                if each.startswith("MIG-")
                else "which the host does not have"
            )
            told.append(f"{name} names {each}, {gone}: name one that is there (the host {has}).")
    return told


def builds(table: Sequence[Mapping[str, Any]], driver: str, architecture: str, wanted: Iterable[Unit]) -> list[str]:
    """The builds of an image that run with a driver and on these GPUs, best first.

    :param table: each with C(build), such as cu130; C(driver), the oldest one; C(capability), the oldest GPU's; C(newer), a list of
        C(capability) and C(driver) for GPUs that need a newer driver; C(architectures).
    """
    # A GPU that does not tell its own is judged by the proof in the container alone.
    capabilities = [numbers(unit.capability) for unit in wanted if unit.capability]
    return [
        row["build"]
        for row in table
        if architecture in row["architectures"] and _runs(row, numbers(driver), capabilities)
    ]


def _runs(row: Mapping[str, Any], driver: tuple[int, ...], capabilities: Iterable[tuple[int, ...]]) -> bool:
    if driver < numbers(row["driver"]):
        return False
    for capability in capabilities:
        if capability < numbers(row["capability"]):
            return False
        for rule in row.get("newer", []):
            if capability >= numbers(rule["capability"]) and driver < numbers(rule["driver"]):
                return False
    return True


def build_of(image: str) -> str:
    """What an image is built for, as its name ends: cpu, cu128...; empty if the name does not say."""
    repository = image.partition("@")[0].rpartition("/")[2].partition(":")[0]
    found = _BUILD.search(repository)
    return found.group(1) if found else ""


def build_problems(image: str, name: str, fitting: Sequence[str], driver: str, wanted: Sequence[Unit]) -> list[str]:
    """One sentence if no build runs on the GPUs that are asked for, or the image that was chosen is of another one.

    :param image: what the inventory chose; empty if the choice is left to the role.
    :param fitting: as builds() returns it.
    """
    cards = ", ".join(sorted({f"{unit.name} (compute capability {unit.capability})" for unit in wanted}))
    host = f"driver {driver} and {cards}"
    if not image and not fitting:
        return [
            f"no build of the image for {name} runs with {host}: upgrade the driver, set {name} to none, or choose an image yourself."
        ]
    build = build_of(image)
    if not build or build in fitting:
        return []
    fits = f"{' and '.join(fitting)} would" if fitting else "none would"
    return [
        f"the image for {name} is {image}, which is built for {build} and does not run on {host}: leave it out, or choose another ({fits} fit)."
    ]
