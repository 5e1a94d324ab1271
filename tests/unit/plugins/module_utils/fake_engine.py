# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An engine with compose in memory, whose containers behave as the tag of their image says.

good: healthy. crash: restarted again and again. never: never healthy. brief: healthy at first, then exits. oom: killed for
want of memory. nostart, tiny: cannot be started. Images of any other tag are in no registry.
"""

from __future__ import annotations

import itertools

from ansible_collections.selfhost.aistack.plugins.module_utils._compose_app import AppError
from ansible_collections.selfhost.aistack.plugins.module_utils._compose_observe import (
    LABEL_APP,
    LABEL_INPUTS,
    LABEL_SERVICE,
)
from ansible_collections.selfhost.aistack.plugins.module_utils._docker import DockerError

TAGS = ("good", "better", "crash", "never", "brief", "oom", "nostart", "tiny")
_REFUSED = {
    "nostart": "exec /nothing: no such file or directory",
    "tiny": "memory limit too low",
}
LOG = "listening\nwith token canary-token\n"


class FakeEngine:
    """What _docker.Docker offers, and in `compose` what _compose_command.Compose does. `calls` are the commands of compose."""

    socket_path = "/fake.sock"

    def __init__(self, root):
        self.root = str(root)
        self.wanted = {}
        self.projects = {}
        self.calls = []
        self.pull_error = None
        self._ids = itertools.count(1)

    def compose(self, project, folder, arguments, what, seconds=1800, model=None):
        """Run `up` on the services of `wanted`, {service: (image, hash)}; other commands succeed."""
        self.calls.append((project, folder, arguments[0]))
        if arguments[0] != "up":
            return
        running = self.projects.setdefault(project, {})
        wanted = {name: (s["image"], "") for name, s in model["services"].items()} if model else self._read(folder)
        for name, (image, inputs) in wanted.items():
            if "--force-recreate" in arguments or name not in running or running[name].inputs != inputs:
                running[name] = FakeContainer(next(self._ids), project, name, image, inputs)
            if image.rpartition(":")[2] in _REFUSED:
                raise AppError(f"{what} failed: {_REFUSED[image.rpartition(':')[2]]}")

    def _read(self, folder):
        """The services that a folder's compose file names: here a line `image hash` for the one service web."""
        with open(f"{folder}/compose.yml", encoding="utf-8") as file:
            return {"web": tuple(file.read().split())}

    def available(self):
        return True

    def containers(self, project):
        return [c.listed() for c in self.projects.get(project, {}).values()]

    def inspect(self, container):
        return self._by_id(container).inspected()

    def _by_id(self, container):
        return next(c for services in self.projects.values() for c in services.values() if c.id == container)

    def image(self, reference):
        return {"Id": f"id-of-{reference}", "RepoDigests": []} if reference.rpartition(":")[2] in TAGS else None

    def find(self, path):
        return {"Mountpoint": self.root}

    def get(self, path):
        return {"DockerRootDir": self.root}

    def delete(self, path):
        container = path.split("/")[2].partition("?")[0]
        for services in self.projects.values():
            for name in [name for name, c in services.items() if c.id == container]:
                del services[name]

    def events(self, method, path, headers=None):
        if self.pull_error:
            raise DockerError(self.pull_error, 404)
        return iter(())

    def logs(self, container, tail=20):
        return LOG

    def past(self, container, since):
        return self._by_id(container).noted


class FakeContainer:
    """One container; every look at it is a moment later."""

    def __init__(self, number, project, service, image, inputs):
        self.id = f"c{number}"
        self.name = f"/{project}-{service}-1"
        self.service = service
        self.image = image
        self.inputs = inputs
        self.looks = 0
        self.noted = []

    def listed(self):
        return {
            "Id": self.id,
            "Names": [self.name],
            "State": "running",
            "Created": 1,
            "Labels": {LABEL_SERVICE: self.service, LABEL_APP: "demo"},
        }

    def inspected(self):
        self.looks += 1
        kind = self.image.rpartition(":")[2]
        state = {"Status": "running", "ExitCode": 0, "StartedAt": self.id, "Health": {"Status": "healthy"}}
        restarts = 0
        if kind == "never":
            state["Health"] = {"Status": "starting", "Log": [{"Output": "no answer"}]}
        elif kind in ("crash", "oom") or (kind == "brief" and self.looks > 4):
            restarts = self.looks - 1
            state.update(StartedAt=f"{self.id}-{restarts}", Health={"Status": "starting"})
            self.noted = [("die", {"exitCode": "137" if kind == "oom" else "7"})]
            if kind == "oom":
                self.noted.insert(0, ("oom", {}))
        elif kind in _REFUSED:
            state["Status"] = "created"
        return {
            "Id": self.id,
            "Name": self.name,
            "Image": f"id-of-{self.image}",
            "RestartCount": restarts,
            "Config": {"Labels": {LABEL_INPUTS: self.inputs}},
            "HostConfig": {"Memory": 12 * 2**20},
            "NetworkSettings": {"Networks": {}},
            "State": state,
        }
