# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ways of a site from one state to another, cut off and gone on with; and whether they end where an undisturbed run ends."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import yaml

from .cuts import Counted, Cutter, Point, comparable
from .stand import ROOT, Stand
from .state import differences

_SETTLE_S = 300.0
_OTHER = "cuts-redis:other"

# Everything of ours but the images and the engine itself.
_RESET = """
docker ps --all --quiet | xargs --no-run-if-empty docker rm --force --volumes > /dev/null
docker volume ls --quiet | xargs --no-run-if-empty docker volume rm > /dev/null
docker network ls --quiet --filter label=aistack | xargs --no-run-if-empty docker network rm > /dev/null
rm -rf /opt/aistack /etc/docker/daemon.json /etc/docker/.aistack-daemon.json /etc/sysctl.d/90-aistack.conf
systemctl reset-failed docker.service
systemctl restart docker.service
"""


@dataclass
class Way:
    """A change of the inventory, from the end of another way, or from nothing. The rest is known once it was gone undisturbed.

    prepare: what is done to the host before it begins.
    """

    name: str
    variables: dict[str, Any]
    before: Way | None
    prepare: Callable[[], object] = lambda: None
    counted: Counted | None = None
    state: dict[str, Any] | None = None
    seconds: float = 0.0


class Ordeal:
    """Cuts ways of one host and says what is not as it would have been without the cut."""

    def __init__(self, stand: Stand, cutter: Cutter) -> None:
        self.stand = stand
        self.cutter = cutter
        self._at: Way | None = None

    def changes(self) -> tuple[Way, Way]:
        """The way from the site as it is to a changed one, and the way back. Each starts where the other ends."""
        image = _other_image(self.stand)
        plain = self.stand.variables()
        changed = {
            # Files that are reread, and one that is not.
            "caddy_tls_closed_paths": ["/cut"],
            # A secret that two services share, an image and a limit: two services are made anew.
            "redis_password": "the-other-password-of-the-cut-site",
            "redis_image": image,
            "redis_maxmemory": "300m",
            "garage_storage_buckets": [{"name": "cut", "quotas": {"max_objects": 2000}}],
            # One setting of the engine that needs a restart, one that is reread; one of the kernel.
            "docker_host_daemon_config": {
                **plain["docker_host_daemon_config"],
                "max-concurrent-downloads": 2,
                "default-shm-size": "96M",
            },
            "docker_host_sysctls": {**_role_defaults("docker_host")["docker_host_sysctls"], "net.core.somaxconn": 4090},
        }
        back = {"garage_storage_buckets": [{"name": "cut", "quotas": {"max_objects": 1000}}]}

        def forget_image() -> None:
            self.stand.on_host(f"docker image rm --force {image} > /dev/null 2>&1", check=False)

        there, again = Way("change", changed, None, forget_image), Way("change back", back, None)
        there.before, again.before = again, there
        return there, again

    def first(self) -> Way:
        """The way from a host with an engine and images, but nothing of ours, to the site."""
        return Way("first converge", {}, None, lambda: self.stand.on_host(_RESET))

    def _begin(self, way: Way) -> None:
        """Bring the host to where a way begins."""
        if way.before and self._at is not way.before:
            self.stand.converge(variables=way.before.variables)
        way.prepare()
        self._at = way

    def go(self, way: Way) -> None:
        """Go a way undisturbed, to know its cut points and where it ends."""
        self._begin(way)
        began = time.monotonic()
        way.counted = self.cutter.count(way.variables)
        way.seconds = time.monotonic() - began
        way.state = self._state()

    def cut(self, way: Way, point: Point, again: bool = False) -> list[str]:
        """Go a way, cut it at a point, play it again undisturbed; say in words what is wrong then.

        again: also play it once more, which must change nothing.
        """
        self._begin(way)
        self.cutter.cut(way.variables, point)
        run = self.stand.play("site", variables=way.variables)
        if run.rc != 0:
            return [f"the next run ended with {run.rc}: {' | '.join(run.failures) or run.output[-1500:]}"]
        wrong = differences(way.state, self._state())
        wrong += [f"a job of a killed process is left: {job}" for job in self._dead_jobs()]
        if again:
            more = self.stand.play("site", variables=way.variables)
            wrong += [f"a further run changes {thing}" for thing in more.changes]
        return wrong

    def put_right(self) -> None:
        """Bring the host back to the plain inventory, without what the ways have left behind that no run takes away."""
        self.stand.converge()
        garage = "docker exec aistack_garage-garage-1 /garage -c /etc/garage/garage.toml"
        self.stand.on_host(
            f"{garage} bucket delete --yes cut; docker image ls --quiet '*/{_OTHER}' | xargs docker image rm",
            check=False,
        )

    def _state(self) -> dict[str, Any]:
        """The host's state once nothing of it is on its way: containers that start, or are about to be restarted."""
        deadline = time.monotonic() + _SETTLE_S
        while True:
            state = comparable(self.stand.state())
            waiting = [
                name for name, seen in state["containers"].items()
                if seen["health"] == "starting" or seen["state"] == "restarting"
            ]  # fmt: skip
            if not waiting:
                return state
            assert time.monotonic() < deadline, f"{', '.join(waiting)} did not settle within {_SETTLE_S:.0f} s"
            time.sleep(0.5)

    def _dead_jobs(self) -> list[str]:
        """Folders of jobs whose process is gone; one that lives ends by itself."""
        script = (
            'for held in /run/aistack/*/held; do [ -e "$held" ] && flock -n -s "$held" true && echo "$held"; done; true'
        )
        return self.stand.on_host(script).split()


def _role_defaults(role: str) -> dict[str, Any]:
    """The defaults of a role. A setting of the kernel that is no longer named stays until the next boot, so all stay named."""
    return yaml.safe_load((ROOT / "roles" / role / "defaults" / "main.yml").read_text(encoding="utf-8"))


def _other_image(stand: Stand) -> str:
    """A second image of Redis in the registry of the bed, as hosts name it."""
    port = os.environ.get("AISTACK_BED_REGISTRY_PORT", "5055")
    original = stand.variables()["redis_image"]
    host_name, _slash, path = original.partition("/")
    here, name = f"127.0.0.1:{port}", _OTHER
    recipe = f"FROM {here}/{path}\nLABEL of=cuts\n"
    environment = {**os.environ, "DOCKER_BUILDKIT": "0"}
    subprocess.run(
        ["docker", "build", "--quiet", "--tag", f"{here}/{name}", "-"],
        input=recipe, text=True, env=environment, stdout=subprocess.DEVNULL, check=True,
    )  # fmt: skip
    subprocess.run(["docker", "push", "--quiet", f"{here}/{name}"], stdout=subprocess.DEVNULL, check=True)
    told = subprocess.run(
        ["docker", "image", "inspect", "--format", "{{json .RepoDigests}}", f"{here}/{name}"],
        stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    digest = next(entry.split("@")[1] for entry in json.loads(told.stdout) if entry.startswith(here))
    return f"{host_name}/{name}@{digest}"
