# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CDI specifications of a host: which devices each describes, for which driver it was made, whether it still fits.

Private to the collection. Pure: nothing here reads a file or runs a command.

A host has no YAML reader beside Python's standard library, so what NVIDIA's and most people's files are written in is read here:
YAML in block style, of which only names, the kind and paths on the host matter. What cannot be read is told, not guessed.
"""

from __future__ import annotations

import json
import os
import re

from ansible_collections.selfhost.aistack.plugins.module_utils._nvidia_driver import usable

FOLDERS = ("/etc/cdi", "/var/run/cdi")
KIND = "nvidia.com/gpu"
# Where the role has the one specification: it outlives a boot, so that it is there when the engine starts its containers.
OWN = "/etc/cdi/nvidia.yaml"
# Where NVIDIA's nvidia-cdi-refresh.service writes it unless it is told otherwise. That folder is empty after a boot.
REFRESHED = "/var/run/cdi/nvidia.yaml"

_KEY = re.compile(r"([A-Za-z][\w-]*):(?:\s+(.*))?")
_LIBRARY = re.compile(r"/lib(?:cuda|nvidia-ml)\.so\.(\d+\.\d+(?:\.\d+)*)")
_INDEX = re.compile(r"(\d+)(?::(\d+))?")


class SpecError(Exception):
    """A specification that cannot be read; the text says why."""


def parse(text):
    """{"kind", "devices": names, "drivers": versions of the libraries that it mounts} of one specification.

    :param text: its content, JSON or YAML. SpecError if it is neither, or YAML in a style that is not known here.
    """
    if text.lstrip().startswith("{"):
        kind, devices = _of_json(text)
    else:
        kind, devices = _of_yaml(text)
    if not kind:
        raise SpecError("it names no kind")
    return {"kind": kind, "devices": devices, "drivers": sorted(set(_LIBRARY.findall(text)))}


def _of_json(text):
    try:
        spec = json.loads(text)
        return spec.get("kind", ""), [device["name"] for device in spec.get("devices") or []]
    except (ValueError, TypeError, KeyError, AttributeError) as exc:
        raise SpecError(f"it is no JSON of a specification ({exc})") from exc


def _of_yaml(text):
    """The kind, and the names of the devices."""
    kind, key, lines = "", "", []
    for line in text.splitlines():
        bare = line.strip()
        if not bare or bare.startswith("#") or bare == "---":
            continue
        if line[0] in " -":
            if key == "devices":
                lines.append(line)
            continue
        found = _KEY.fullmatch(bare)
        if not found:
            raise SpecError(f"its line '{bare[:60]}' is not understood")
        key, value = found.group(1), _scalar(found.group(2) or "")
        if key == "devices" and value not in ("", "[]"):
            raise SpecError("its devices are not written one below the other")
        kind = value if key == "kind" else kind
    return kind, _names(lines)


def _names(lines):
    """The value of C(name) in each item of a list, from its lines."""
    names, items = [], 0
    dash = _indent(lines[0]) if lines else 0
    for line in lines:
        if _indent(line) == dash and line[dash] == "-":
            items += 1
            line = line.replace("-", " ", 1)
            inner = _indent(line)
        found = _KEY.fullmatch(line.strip())
        if items and found and found.group(1) == "name" and _indent(line) == inner:
            names.append(_scalar(found.group(2) or ""))
    if len(names) != items or (lines and not items):
        raise SpecError("the names of its devices are not where they are looked for")
    return names


def _indent(line):
    return len(line) - len(line.lstrip(" "))


def _scalar(text):
    """The value behind a key, without quotes and comment."""
    text = text.strip()
    if text[:1] in ("'", '"'):
        return text[1:].partition(text[0])[0]
    return text.partition(" #")[0].strip()


def stale(spec, driver, gpus):
    """Phrases that say why a specification does not fit the host any more; none if it does.

    :param spec: as parse() returns it.
    :param driver: the version of the installed driver.
    :param gpus: as _nvidia_driver.gpus() returns them.
    """
    if spec["drivers"] != [driver]:
        return [f"made for driver {' and '.join(spec['drivers']) or 'unknown'}, not {driver}"]
    names = set(spec["devices"])
    there = usable(gpus)
    lacking = [f"{' '.join(pair)} is missing" for pair in there if not names & set(pair)]
    known = {name for pair in there for name in pair}
    gone = [f"{name} is gone" for name in sorted(names) if is_generated(name) and name not in known]
    return lacking + gone


def is_generated(name):
    """Whether NVIDIA's generator gives such names to devices; "all" is one too, and stands for the others."""
    return bool(_INDEX.fullmatch(name)) or name.startswith(("GPU-", "MIG-"))


def leftovers(specs):
    """Paths of specifications that are there twice because NVIDIA's service wrote one before it was told of OWN's place."""
    return [path for path in specs if path == REFRESHED and specs[path]["kind"] == KIND]


def problems(specs, unreadable):
    """Sentences about specifications that stand in each other's way or cannot be read.

    :param specs: {path: as parse() returns it}.
    :param unreadable: {path: why}, of those that tell of NVIDIA's devices.
    """
    told = [
        f"{path} cannot be read as a CDI specification ({why}): correct it, or move it away."
        for path, why in sorted(unreadable.items())
    ]
    ours = {path: set(spec["devices"]) for path, spec in specs.items() if spec["kind"] == KIND}
    # Whatever the one at OWN holds now, it will hold what NVIDIA's generator names.
    wanted = ours.pop(OWN, set())
    others = [path for path in sorted(ours) if path not in leftovers(specs)]
    for number, path in enumerate(others):
        names = sorted(name for name in ours[path] if name in wanted or name == "all" or is_generated(name))
        if names:
            told.append(_duplicate(names, path, OWN))
            continue
        for other in others[:number]:
            names = sorted(ours[path] & ours[other])
            told += [_duplicate(names, path, other)] if names else []
    return told


def _duplicate(names, path, other):
    many = f"{KIND}={names[0]}" + (f" and {len(names) - 1} more" if len(names) > 1 else "")
    together = os.path.dirname(path) == os.path.dirname(other)
    effect = (
        "the engine would refuse them as conflicting" if together else "the engine would take those of /var/run/cdi"
    )
    return f"{path} describes devices that belong in {other} ({many}), and {effect}: remove {path}, or name its devices differently."
