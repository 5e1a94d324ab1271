# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a host has room for apps: disk, ports, addresses, and names that nobody else uses.

Private to the collection. look() only reads; problems() is pure.
"""

from __future__ import annotations

import json
import os

from ansible_collections.selfhost.aistack.plugins.module_utils import _host_ports
from ansible_collections.selfhost.aistack.plugins.module_utils._compose_observe import (
    LABEL_PROJECT,
    foreign,
    foreign_problem,
)
from ansible_collections.selfhost.aistack.plugins.module_utils._docker import DockerError

APPS = "/opt/aistack"
_PROJECT = "aistack_"
_DAEMON_FILE = "/etc/docker/daemon.json"
_UNITS = {"": 1, "b": 1, "k": 1024, "m": 1024**2, "g": 1024**3, "t": 1024**4}
# What a host that runs apps already must still have, as a part of what one without them needs.
_LATER = 10
# The folders of apps are small: templates, and releases of them.
_APPS_NEED = 100 * 1024**2


def look(ports, docker, apps=APPS):
    """The facts about this host that problems() needs.

    :param ports: the option of that name.
    :param docker: the client of the engine.
    :param apps: the folder of all apps.
    """
    containers = _containers(docker)
    projects = {}
    for listed in containers:
        projects.setdefault(listed["Labels"].get(LABEL_PROJECT, ""), []).append(listed)
    strangers = {
        name: foreign(those, os.path.join(apps, name[len(_PROJECT) :]))
        for name, those in projects.items()
        if name.startswith(_PROJECT)
    }
    return {
        # By their folders, since these are there while the engine is off, too.
        "apps": sorted(os.listdir(apps)) if os.path.isdir(apps) else [],
        "foreign": [foreign_problem(name, those) for name, those in sorted(strangers.items()) if those],
        "disk": {path: free_bytes(path) for path in (data_root(), APPS)},
        **_host_ports.look(ports, containers),
    }


def _containers(docker):
    """All containers, as the engine lists them; none without an engine that runs."""
    try:
        found = docker.get("/containers/json?all=1") if docker.available() else []
    except DockerError:
        return []
    return [dict(each, Labels=each["Labels"] or {}) for each in found]


def data_root(path=_DAEMON_FILE):
    """Where the engine keeps images and volumes, or will."""
    try:
        with open(path, encoding="utf-8") as handle:
            return json.load(handle).get("data-root") or "/var/lib/docker"
    except (FileNotFoundError, ValueError, AttributeError):
        # A file that is no JSON is told by the module that writes it.
        return "/var/lib/docker"


def free_bytes(path):
    """The free bytes of the filesystem on which a folder is, or will be."""
    while not os.path.isdir(path):
        path = os.path.dirname(path)
    stat = os.statvfs(path)
    return stat.f_bavail * stat.f_frsize


def as_bytes(text):
    """The bytes that a text such as 10g means; None if it means none."""
    number, unit = (text[:-1], text[-1:].lower()) if text[-1:].isalpha() else (text, "")
    return int(number) * _UNITS[unit] if number.isdigit() and unit in _UNITS else None


def problems(facts, minimum_free_disk, ports):
    """Why apps cannot be put on this host, from look()'s facts; one sentence each.

    :param minimum_free_disk: what a host without apps needs where the engine keeps its data, such as "10g"; a host with apps
        needs a tenth of it.
    :param ports: the option of that name.
    """
    share, part = (f"a tenth of docker_host_minimum_free_disk ({minimum_free_disk})", _LATER)
    if not facts["apps"]:
        share, part = (f"docker_host_minimum_free_disk ({minimum_free_disk})", 1)
    told = []
    for path, free in facts["disk"].items():
        if path == APPS and free < _APPS_NEED:
            told.append(
                f"{path} has {_shown(free)} of disk free, less than the {_shown(_APPS_NEED)} that the files of apps need: make room there."
            )
        elif path != APPS and free < as_bytes(minimum_free_disk) // part:
            told.append(
                f"{path} has {_shown(free)} of disk free, less than {share}: make room there, give the host a larger disk, or set"
                " docker_host_minimum_free_disk to less."
            )
    return told + facts["foreign"] + _host_ports.problems(ports, facts)


def _shown(count):
    for unit, size in (("GB", 1024**3), ("MB", 1024**2)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count // 1024} kB"
