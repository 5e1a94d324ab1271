# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run that was cut off left of one app on the host: found, told, and cleared away.

Private to the collection.

Nothing here is needed to go on: what a cut run left undone is found by comparing, as everything is. This keeps what it left
half done from lying about, and lets the operator know.
"""

from __future__ import annotations

import os
import re
import shutil
from urllib.parse import quote

from ansible_collections.selfhost.aistack.plugins.module_utils import _files, _job
from ansible_collections.selfhost.aistack.plugins.module_utils._changes import LEFT, change
from ansible_collections.selfhost.aistack.plugins.module_utils._compose_observe import (
    LABEL_CHECK,
    LABEL_SERVICE,
    rehearsal_of,
)
from ansible_collections.selfhost.aistack.plugins.module_utils._compose_release import SWAP

# What compose calls a container until the one that it replaces is gone.
_REPLACING = re.compile("[0-9a-f]{12}_(.+)")


class Leftover:
    """One thing: its name, the sentence that tells it, what is done about it (remove or rename), and the doing."""

    def __init__(self, name, told, clear, action="remove"):
        self.name, self.told, self.clear, self.action = name, told, clear, action

    def change(self):
        """The entry for the result's `changes`."""
        return change("leftover", self.name, self.action, [LEFT])


def find(bundle, releases, docker, held):
    """The leftovers of an app, in the order in which they are to be cleared.

    docker: None where there is no engine. held: whether this process holds the app's lock. While another one does, what lies
    about is its work, and none of it is left.
    """
    if not held and not releases.is_free():
        return []
    found = _half_written(releases)
    found += _releases(bundle, releases)
    found += [_tree(job, f"{job} is of a run that was killed, and is removed.") for job in _job.dead(bundle["app"])]
    if docker:
        found += _containers(bundle["project"], docker)
    return found


def _tree(path, told):
    return Leftover(path, told, lambda: shutil.rmtree(path, ignore_errors=True))


def _half_written(releases):
    found = []
    for folder, _folders, _names in os.walk(releases.root):
        for path in _files.half_written(folder):
            told = f"{path} was left half-written by a run that was cut off, and is removed."
            found.append(Leftover(path, told, lambda path=path: _files.remove([path])))
    return found


def _releases(bundle, releases):
    found = []
    swap = os.path.join(releases.root, SWAP)
    if os.path.lexists(swap):
        found.append(_tree(swap, f"A run was cut off while it changed files of {bundle['app']}; {swap} is removed."))
    for number in releases.unfinished():
        told = f"Release {number} of {bundle['app']} was begun by a run that was cut off or failed, and never came into use; it is removed."
        found.append(Leftover(releases.folder(number), told, lambda number=number: releases.forget(number)))
    for number in releases.outlived(bundle.get("keep")):
        told = f"Release {number} of {bundle['app']} is not among those that are kept, and is removed."
        found.append(Leftover(releases.folder(number), told, lambda number=number: releases.forget(number)))
    return found


def _containers(project, docker):
    found = []
    for container in docker.containers(rehearsal_of(project)):
        name, place = container["Names"][0].lstrip("/"), f"/containers/{quote(container['Id'])}"
        told = f"The container {name}, in which a run that was cut off rehearsed a release, is removed."
        found.append(Leftover(name, told, lambda place=place: docker.delete(f"{place}?force=1&v=1")))
    listed = docker.containers(project)
    names = {container["Id"]: container["Names"][0].lstrip("/") for container in listed}
    for container in sorted(listed, key=lambda one: names[one["Id"]]):
        name, place = names[container["Id"]], f"/containers/{quote(container['Id'])}"
        replacing = _REPLACING.fullmatch(name)
        service = container["Labels"].get(LABEL_SERVICE)
        if LABEL_CHECK in container["Labels"]:
            told = f"The container {name}, in which a run that was cut off checked something, is removed."
            found.append(Leftover(name, told, lambda place=place: docker.delete(f"{place}?force=1&v=1")))
        elif replacing and replacing[1] in names.values():
            told = f"The container {name} was to replace that of {service} when a run was cut off; it is removed."
            found.append(Leftover(name, told, lambda place=place: docker.delete(f"{place}?force=1")))
        elif replacing:
            told = (
                f"The container {name} had replaced that of {service} when a run was cut off; it gets that one's name."
            )
            rename = f"{place}/rename?name={quote(replacing[1])}"
            found.append(Leftover(name, told, lambda rename=rename: docker.post(rename), "rename"))
    return found
