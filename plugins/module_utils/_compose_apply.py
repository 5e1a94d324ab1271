# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carry out an app's plan: stage, fetch images, validate, swap files, start, wait, record; or put the last release back.

Private to the collection.

Every step can be cut off: the recorded state changes last, so the next run compares again and goes on from what it finds.
"""

from __future__ import annotations

import contextlib
import os
import time
from urllib.parse import quote

from ansible_collections.selfhost.aistack.plugins.module_utils import _compose_images, _compose_rehearsal, _disk
from ansible_collections.selfhost.aistack.plugins.module_utils._compose_app import AppError
from ansible_collections.selfhost.aistack.plugins.module_utils._compose_command import CommandFailed, Compose
from ansible_collections.selfhost.aistack.plugins.module_utils._compose_look import outline
from ansible_collections.selfhost.aistack.plugins.module_utils._compose_observe import LABEL_APP, LABEL_CHECK
from ansible_collections.selfhost.aistack.plugins.module_utils._compose_plan import (
    FORCE,
    RELOAD,
    REMOVE,
    UP,
    wanted_load,
)
from ansible_collections.selfhost.aistack.plugins.module_utils._compose_release import (
    NEW,
    OLD,
    Busy,
    manifest,
)
from ansible_collections.selfhost.aistack.plugins.module_utils._compose_watch import StartFailed, Watch
from ansible_collections.selfhost.aistack.plugins.module_utils._docker import DockerError

# Before the start the engine stops what runs. One that crashes in a loop can take its whole stop_grace_period, 60 s in our roles.
STOPPING = 120
# With less than this nothing is begun: the engine needs room for containers and logs in the midst of a change.
LEAST_FREE = 64 * 2**20


class Apply:
    """One run of the plan of `app`. `say` takes a sentence about what is being done."""

    def __init__(self, app, say):
        self.app = app
        self.say = say
        self.docker = app.docker
        self.bundle = app.bundle
        self.staged = None
        # {service: its process} of those that refused to reload and so have kept what they had loaded.
        self.unmoved = {}
        self.compose = Compose(self.bundle["app"], app.redact, say)

    def run(self):
        """Bring the app to the wanted state; returns the task's result. Raises AppError."""
        if not self.app.engine:
            raise AppError(
                f"The app {self.bundle['app']} needs a Docker engine, and none answers at {self.docker.socket_path};"
                " put the host into the group docker_host, or start its engine."
            )
        try:
            lock = self.app.releases.lock(
                self.bundle["wait"], lambda: self.say("waiting for another run that changes this app")
            )
        except Busy:
            raise AppError(
                f"The app {self.bundle['app']} is being changed by another run on this host; let it end and run again."
            ) from None
        except OSError as exc:
            raise AppError(self._untouched(exc)) from exc
        try:
            # Held by the programs that this run starts too: one that outlives it keeps the next run waiting.
            self.compose.holding = (lock,)
            self.app.look(held=True)
            planned = self.app.services
            result = self.app.result({}, planned)
            self._clear_leftovers()
            self._carry_out()
            result["services"] = self.app.result(self.watch.observe(), planned)["services"]
            return result
        finally:
            os.close(lock)

    def _clear_leftovers(self):
        try:
            for leftover in self.app.leftovers:
                leftover.clear()
        except OSError as exc:
            raise AppError(self._untouched(exc)) from exc

    def _carry_out(self):
        app, releases = self.app, self.app.releases
        number = app.next_release
        try:
            self._check_room()
            if number != releases.current:
                self.staged = number = releases.stage(self.bundle["files"])
            self.exchanged = sorted({*app.changed_files, *app.unreleased})
            releases.make_ready(self.bundle["files"], self.exchanged)
            self._make_networks_and_volumes()
            self._fetch_images()
            self._validate()
            self._rehearse()
        except (AppError, DockerError, OSError, StartFailed) as exc:
            releases.clear_swap()
            releases.clear_unfinished()
            raise AppError(self._untouched(exc)) from exc
        self.watch = Watch(self.docker, self.bundle["project"], self.say, self.app.redact)
        try:
            self._change_over()
        except StartFailed as exc:
            raise AppError(self._put_back(exc)) from exc
        finally:
            releases.clear_swap()
        try:
            self._record(number)
        except OSError as exc:
            raise AppError(
                f"{self.bundle['app']}: release {number} runs and is healthy, but could not be written down. {_disk.told(exc)}"
            ) from exc
        app.watch.stop()

    def _check_room(self):
        """Refuse to begin on a disk that would become full in the midst of it."""
        for path in (self.app.folder, self._engine_folder()):
            problem = _disk.lacking(path, LEAST_FREE)
            if problem:
                raise AppError(problem)

    def _engine_folder(self):
        return self.docker.get("/info")["DockerRootDir"]

    def _untouched(self, exc):
        """The message of a task that failed before it touched anything that runs."""
        number = self.app.releases.current
        kept = f"release {number} runs on" if number else "nothing of it runs yet"
        lines = log = ""
        if isinstance(exc, StartFailed):
            words, lines = f"{self.bundle['app']}: {exc.service} {exc.reason}", exc.lines
        elif isinstance(exc, OSError):
            words = _disk.told(exc)
        else:
            words = str(exc)
        if lines:
            log = f"\nLast lines of {exc.service}:\n{lines}"
        return f"{_sentence(words)} No file and no container was changed: {kept}.{log}"

    def _change_over(self):
        """Put the new files in place, start what the plan names, and look on until it is well. Raises StartFailed."""
        services, plans = self.bundle["services"], self.app.services
        self.app.watch.phase("swap")
        try:
            self.app.releases.put_right(self.app.folders)
            self.app.releases.begin(
                {
                    name: [plan["action"], plan["why"]]
                    for name, plan in plans.items()
                    if plan["action"] in (FORCE, RELOAD)
                }
            )
            self.app.releases.exchange(NEW, self.exchanged)
        except OSError as exc:
            raise StartFailed(self.bundle["app"], f"did not get its new files: {_disk.told(exc)}") from exc
        self._start(plans)
        self.app.watch.phase("wait")
        self.watch.until_healthy(services, self.bundle["wait"])
        self._reload(plans)
        vouched = self.app.releases.record.get("services", {})
        if any(
            plans[name]["action"] in (UP, FORCE) or service["hash"] != vouched.get(name, {}).get("hash")
            for name, service in services.items()
        ):
            self.app.watch.phase("settle")
            self.watch.settle(services, self.bundle["settle"])

    def _make_networks_and_volumes(self):
        self.app.watch.phase("prepare")
        labels = {LABEL_APP: self.bundle["app"]}
        for name in self.app.networks:
            self.docker.post(
                "/networks/create",
                {"Name": name, "Driver": "bridge", "CheckDuplicate": True, "Labels": {"aistack": "1"}},
            )
        for volume in self.app.volumes:
            if self.app.volume_top(volume) is None:
                self.docker.post("/volumes/create", {"Name": volume["name"], "Labels": labels})
            os.chown(self.app.volume_top(volume), volume["uid"], volume["gid"])

    def _fetch_images(self):
        missing = {
            s["image"]: name for name, s in self.bundle["services"].items() if self.app.images[s["image"]] is None
        }
        for reference, service in sorted(missing.items()):
            if self.bundle["services"][service]["build"]:
                self.app.watch.phase("build")
                self._compose(["build", service], f"the build of {service}", self._tree())
                continue
            if self.bundle["pull"] == "never":
                raise AppError(
                    f"The image {reference} of {service} is not on the host and pull is never; load it, or let it be pulled."
                )
            self.app.watch.phase("pull")
            self.say(f"pulling {reference}")
            try:
                _compose_images.pull(self.docker, reference, self.say)
            except DockerError as exc:
                problem = _disk.full_by(str(exc), self._engine_folder())
                problem = problem or _compose_images.pull_problem(reference, str(exc)) + "."
                raise AppError(f"The image {reference} of {service} cannot be pulled: {problem}") from exc

    def _tree(self):
        """Where the wanted files lie whole: the staged release, or the current one, which then says the same."""
        return self.app.releases.folder(self.staged or self.app.releases.current)

    def _validate(self):
        self.app.watch.phase("validate")
        self._compose(["config", "--quiet"], "the compose file", self._tree())
        for key, spec in self.bundle["reload"].items():
            command = spec.get("validate")
            if not command or self.app.releases.state["loaded"].get(key) == wanted_load(self.bundle, key):
                continue
            arguments = [
                "run",
                "--rm",
                "--no-deps",
                "-T",
                "--label",
                f"{LABEL_CHECK}=1",
                "--entrypoint",
                command[0],
                spec["service"],
                *command[1:],
            ]
            self._compose(arguments, f"the check of {key} by {' '.join(command[:2])}", self._tree())

    def _rehearse(self):
        """Try services beside the running ones where a container is to be replaced by one that differs."""
        self.app.watch.phase("rehearse")
        for name in sorted(self.bundle["rehearse"]):
            seen = self.app.observed.get(name)
            replaced = self.app.services[name]["action"] in (UP, FORCE) and seen is not None and seen.running
            if replaced and self.app.differs(name):
                _compose_rehearsal.rehearse(self.docker, self.compose, self.bundle, name, self._tree(), self.say)

    def _start(self, plans):
        """Start what the plan names: forced ones by themselves, the rest as compose finds it."""
        self.app.watch.phase("start")
        actions = {name: plan["action"] for name, plan in plans.items()}
        forced = sorted(name for name, action in actions.items() if action == FORCE)
        if forced:
            self._up(["--force-recreate", "--no-deps", *forced], self.bundle["services"])
        if any(action in (UP, REMOVE) for action in actions.values()):
            self._up([], self.bundle["services"])

    def _up(self, arguments, services):
        command = ["up", "--detach", "--no-build", "--pull", "never", "--remove-orphans", *arguments]
        try:
            self._compose(command, "the start", self.app.folder, seconds=self.bundle["wait"] + STOPPING)
        except AppError as exc:
            raise self.watch.blame(str(exc), services, self.bundle["app"]) from exc

    def _reload(self, plans):
        self.app.watch.phase("reload")
        taken = set()
        for key, spec in self._reloads():
            service = spec["service"]
            if plans[service]["action"] != RELOAD:
                continue
            process = self._process(service)
            try:
                self._exec(spec, f"the reload of {key}")
            except AppError as exc:
                if service not in taken and isinstance(exc, CommandFailed) and exc.by_itself:
                    self.unmoved[service] = process
                raise StartFailed(service, f"did not take the new {key}: {exc}") from exc
            taken.add(service)

    def _reloads(self):
        """(key, declaration) of every reload; one command that stands for several keys comes once, as each time costs the service."""
        commands = {}
        for key, spec in self.bundle["reload"].items():
            commands.setdefault((spec["service"], *spec["reload"]), (key, spec))
        return commands.values()

    def _process(self, service):
        """What is another one once a service was started again."""
        seen = self.watch.observe().get(service)
        return seen and (seen.id, seen.started_at)

    def _record(self, number):
        observed = self.watch.observe()
        services = {}
        for name, service in self.bundle["services"].items():
            seen = observed[name]
            services[name] = {
                "image": service["image"],
                "image_id": seen.image_id,
                "local_image_id": (self.docker.image(service["image"]) or {}).get("Id"),
                "image_digest": _compose_images.repo_digest(self.docker, service["image"]),
                "one_shot": service["one_shot"],
                "inputs": service["inputs"],
                "hash": service["hash"],
                "fingerprint": seen.fingerprint,
            }
        loaded = {key: wanted_load(self.bundle, key) for key in self.bundle["reload"]}
        record = {
            "number": number,
            # How long its start may take: one day it may have to be put back by a release that allows less.
            "wait": self.bundle["wait"],
            "made": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "files": manifest(self.bundle["files"]),
            "outline": outline(self.bundle),
            "services": services,
        }
        self.app.releases.commit(number, record, loaded, self.bundle["keep"])

    def _put_back(self, failure):
        """After a failed start: bring the current release back; returns the message of the task."""
        releases = self.app.releases
        told = f"{self.bundle['app']}: {failure.service} {_sentence(failure.reason)}"
        log = f"\nLast lines of {failure.service}:\n{failure.lines}" if failure.lines else ""
        number = releases.current
        if number is None:
            return f"{told} There is no earlier release to put back; the containers are left as they are, to be looked at.{log}"
        if not self.staged:
            return f"{told} Release {number} is the wanted one already, so there was nothing to put back.{log}"
        if not releases.can_go_back:
            return f"{told} Release {number} cannot be put back, since its files in {releases.folder(number)} are gone.{log}"
        self.say(f"putting release {number} back")
        self.app.watch.phase("put back")
        try:
            releases.exchange(OLD, self.exchanged)
            releases.clear_swap()
            releases.clear_unfinished()
            self._retag(releases.record["services"])
            self._start_old(releases.record["services"])
        except StartFailed as exc:
            return f"{told} Putting release {number} back failed too: {exc.service} {_sentence(exc.reason)}{log}"
        except (AppError, DockerError) as exc:
            return f"{told} Putting release {number} back failed too: {_sentence(exc)}{log}"
        except OSError as exc:
            return f"{told} Putting release {number} back failed too: {_disk.told(exc)}{log}"
        if "begun" in releases.state:
            # On a full disk it stays noted, and the next run does it once more.
            with contextlib.suppress(OSError):
                releases.note(number, releases.state["loaded"])
        return f"{told} Release {number} was put back and is healthy.{log}"

    def _retag(self, services):
        """Give the images of a release their names again, where a pull moved a tag."""
        for service in services.values():
            image = self.docker.image(service["image"])
            if "@" in service["image"] or (image and image["Id"] == service["local_image_id"]):
                continue
            repository, tag = _compose_images.split(service["image"])
            self.docker.post(
                f"/images/{quote(service['local_image_id'], safe=':')}/tag?repo={quote(repository, safe='')}&tag={quote(tag)}"
            )

    def _start_old(self, services):
        self.watch = Watch(self.docker, self.bundle["project"], self.say, self.app.redact)
        self._up([], services)
        self.watch.until_healthy(services, max(self.bundle["wait"], self.app.releases.record.get("wait", 0)))
        self.watch.settle(services, self.bundle["settle"])
        for key, spec in self._reloads():
            service = spec["service"]
            if service in services and (service not in self.unmoved or self.unmoved[service] != self._process(service)):
                self._exec(spec, f"the reload of the earlier {key}")

    def _exec(self, spec, what):
        """The reload command of a reload's declaration, in the running container."""
        self._compose(["exec", "-T", spec["service"], *spec["reload"]], what, self.app.folder)

    def _compose(self, arguments, what, folder, seconds=1800):
        """One `docker compose` command on the app's project. Raises AppError."""
        try:
            self.compose.run(self.bundle["project"], folder, arguments, what, seconds)
        except AppError as exc:
            problem = _disk.full_by(str(exc), self._engine_folder())
            if problem:
                raise AppError(f"{_sentence(exc)} {problem}") from exc
            raise


def _sentence(exc):
    """What an exception or a text says, with a full stop."""
    text = str(exc).strip()
    return text if text.endswith((".", "!", "?")) else text + "."
