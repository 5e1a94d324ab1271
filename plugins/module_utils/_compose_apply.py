# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carry out an app's plan: stage, fetch images, validate, swap files, start, wait, record; or put the last release back.

Private to the collection.

Every step can be cut off: the recorded state changes last, so the next run compares again and goes on from what it finds.
"""

from __future__ import annotations

import os
import select
import subprocess
import time
from urllib.parse import quote

from ansible_collections.selfhost.aistack.plugins.module_utils import _compose_images
from ansible_collections.selfhost.aistack.plugins.module_utils._compose_app import AppError
from ansible_collections.selfhost.aistack.plugins.module_utils._compose_look import outline
from ansible_collections.selfhost.aistack.plugins.module_utils._compose_observe import LABEL_APP, observe
from ansible_collections.selfhost.aistack.plugins.module_utils._compose_plan import (
    FORCE,
    RELOAD,
    REMOVE,
    UP,
    wanted_load,
)
from ansible_collections.selfhost.aistack.plugins.module_utils._compose_release import (
    Busy,
    manifest,
    remove_files,
    write_files,
)
from ansible_collections.selfhost.aistack.plugins.module_utils._docker import DockerError

POLL = 0.1
# A service without a healthcheck counts as started when it has been running for this long without a restart.
SETTLED = 2.0
# A service may be restarted by the engine this often before its start counts as failed: once is a dependency that was late.
RESTARTS_ALLOWED = 2
LOG_LINES = 20
# Before the start the engine stops what runs. One that crashes in a loop can take its whole stop_grace_period, 60 s in our roles.
STOPPING = 120


class StartFailed(Exception):
    """A service did not become healthy: `service`, `reason` and its last `lines`."""

    def __init__(self, service, reason, lines):
        super().__init__(f"{service} {reason}")
        self.service, self.reason, self.lines = service, reason, lines


class Apply:
    """One run of the plan of `app`. `say` takes a sentence about what is being done."""

    def __init__(self, app, say):
        self.app = app
        self.say = say
        self.docker = app.docker
        self.bundle = app.bundle
        self.folder = app.folder
        self.staged = None

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
        try:
            self.app.look()
            planned = self.app.services
            result = self.app.result({}, planned)
            self._carry_out()
            result["services"] = self.app.result(self._observe(), planned)["services"]
            return result
        finally:
            os.close(lock)

    def _observe(self):
        return observe(self.docker, self.bundle["project"])

    def _carry_out(self):
        app, releases = self.app, self.app.releases
        number = app.next_release
        if number != releases.current:
            self.staged = number = releases.stage(self.bundle["files"])
        try:
            self._make_networks_and_volumes()
            self._fetch_images()
            self._validate()
        except (AppError, DockerError) as exc:
            if self.staged:
                releases.drop(self.staged)
            kept = f"release {releases.current} runs on" if releases.current else "nothing of it runs yet"
            raise AppError(f"{_sentence(exc)} No file and no container was changed: {kept}.") from exc
        app.watch.phase("swap")
        write_files(self.folder, self.bundle["files"], only=app.changed_files)
        remove_files(self.folder, [e["path"] for e in app.files if e["changed"] and e["after"] is None])
        try:
            self._start(app.services)
            self._wait(self.bundle["services"])
            self._reload(app.services)
        except StartFailed as exc:
            raise AppError(self._put_back(exc)) from exc
        self._record(number)
        app.watch.stop()

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
                self._compose(["build", service], f"build of {service}", folder=self._tree())
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
                raise AppError(f"The image {reference} of {service} cannot be pulled: {_sentence(exc)}") from exc

    def _tree(self):
        """Where the wanted files lie whole: the staged release, or the current one, which then says the same."""
        return self.app.releases.folder(self.staged or self.app.releases.current)

    def _validate(self):
        self.app.watch.phase("validate")
        self._compose(["config", "--quiet"], "the compose file", folder=self._tree())
        for key, spec in self.bundle["reload"].items():
            command = spec.get("validate")
            if not command or self.app.releases.state["loaded"].get(key) == wanted_load(self.bundle, key):
                continue
            arguments = ["run", "--rm", "--no-deps", "-T", "--entrypoint", command[0], spec["service"], *command[1:]]
            self._compose(arguments, f"the check of {key} by {' '.join(command[:2])}", folder=self._tree())

    def _start(self, plans):
        """Start what the plan names: forced ones by themselves, the rest as compose finds it."""
        self.app.watch.phase("start")
        actions = {name: plan["action"] for name, plan in plans.items()}
        self.before = self._observe()
        forced = sorted(name for name, action in actions.items() if action == FORCE)
        if forced:
            self._up(["--force-recreate", "--no-deps", *forced], self.bundle["services"])
        if any(action in (UP, REMOVE) for action in actions.values()):
            self._up([], self.bundle["services"])

    def _up(self, arguments, services):
        command = ["up", "--detach", "--no-build", "--pull", "never", "--remove-orphans", *arguments]
        try:
            self._compose(command, "the start", seconds=self.bundle["wait"] + STOPPING)
        except AppError as exc:
            raise self._blame(str(exc), services) from exc

    def _blame(self, text, services):
        """Which service made `compose up` fail: the first that is not well, or the app as a whole."""
        for name, seen in sorted(self._observe().items()):
            if seen.state == "created":
                return StartFailed(name, f"could not be started: {text}", "")
            if seen.health == "unhealthy" or not seen.running and not _finished(services.get(name), seen):
                return StartFailed(name, self._ill(seen), self._log(seen))
        return StartFailed(self.bundle["app"], f"could not be started: {text}", "")

    def _ill(self, seen):
        if seen.health == "unhealthy":
            return f"is unhealthy ({seen.last_probe[-300:]})" if seen.last_probe else "is unhealthy"
        return f"is {seen.stopped_because()}"

    def _log(self, seen):
        return self.docker.logs(seen.id, LOG_LINES).strip()

    def _wait(self, services):
        """Until every service is healthy, or running steadily where it has no healthcheck. Raises StartFailed."""
        self.app.watch.phase("wait")
        deadline = time.monotonic() + self.bundle["wait"]
        since = time.monotonic()
        while True:
            observed = self._observe()
            waiting = {}
            for name, service in services.items():
                reason = self._not_ready(name, service, observed.get(name), since)
                if reason:
                    waiting[name] = reason
            if not waiting:
                return
            if time.monotonic() >= deadline:
                name, reason = sorted(waiting.items())[0]
                raise StartFailed(
                    name,
                    f"did not become healthy within {self.bundle['wait']} s: it is {reason}",
                    self._log(observed[name]),
                )
            self.say(
                "waiting until "
                + ", ".join(f"{name} is healthy (now {reason})" for name, reason in sorted(waiting.items()))
            )
            time.sleep(POLL)

    def _not_ready(self, name, service, seen, since):
        if seen is None:
            raise StartFailed(name, "has no container after the start", "")
        if _finished(service, seen):
            return None
        before = self.before.get(name)
        restarts = seen.restarts - (before.restarts if before and before.id == seen.id else 0)
        if seen.state in ("exited", "dead") or seen.health == "unhealthy" or restarts >= RESTARTS_ALLOWED:
            reason = f"keeps exiting (code {seen.exit_code}, {restarts} restarts)" if restarts else self._ill(seen)
            raise StartFailed(name, reason, self._log(seen))
        if not seen.running:
            return seen.state
        if seen.health != "none":
            return None if seen.health == "healthy" else seen.health
        untouched = before is not None and before.id == seen.id and before.started_at == seen.started_at
        return None if untouched or time.monotonic() - since >= SETTLED else "running for less than 2 s"

    def _reload(self, plans):
        self.app.watch.phase("reload")
        for key, spec in self.bundle["reload"].items():
            if plans[spec["service"]]["action"] != RELOAD:
                continue
            try:
                self._compose(["exec", "-T", spec["service"], *spec["reload"]], f"the reload of {key}")
            except AppError as exc:
                raise StartFailed(spec["service"], f"did not take the new {key}: {exc}", "") from exc

    def _record(self, number):
        observed = self._observe()
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
            "made": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "files": manifest(self.bundle["files"]),
            "outline": outline(self.bundle),
            "services": services,
        }
        self.app.releases.commit(number, record, loaded, self.bundle["keep"])

    def _put_back(self, failure):
        """After a failed start: bring the current release back; returns the message of the task."""
        releases = self.app.releases
        lines = self.app.redact(failure.lines)
        told = f"{self.bundle['app']}: {failure.service} {self.app.redact(failure.reason)}."
        log = f"\nLast lines of {failure.service}:\n{lines}" if lines else ""
        if releases.current is None:
            return f"{told} There is no earlier release to put back; the containers are left as they are, to be looked at.{log}"
        if not self.staged:
            return (
                f"{told} Release {releases.current} is the wanted one already, so there was nothing to put back.{log}"
            )
        self.say(f"putting release {releases.current} back")
        self.app.watch.phase("put back")
        old = releases.bundle_files(releases.current)
        wanted = {entry["path"] for entry in self.bundle["files"]}
        write_files(self.folder, old)
        remove_files(self.folder, sorted(wanted - {entry["path"] for entry in old}))
        releases.drop(self.staged)
        try:
            self._retag(releases.record["services"])
            self._start_old(releases.record["services"])
        except (StartFailed, AppError, DockerError) as exc:
            return f"{told} Putting release {releases.current} back failed too: {self.app.redact(str(exc))}{log}"
        return f"{told} Release {releases.current} was put back and is healthy.{log}"

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
        self.before = self._observe()
        self._up([], services)
        self._wait(services)
        for key, spec in self.bundle["reload"].items():
            if spec["service"] in services:
                self._compose(["exec", "-T", spec["service"], *spec["reload"]], f"the reload of the earlier {key}")

    def _compose(self, arguments, what, folder=None, seconds=1800):
        """One `docker compose` command on the app's project, its last output line told while it runs. Raises AppError."""
        folder = folder or self.folder
        command = [
            "docker",
            "compose",
            "--ansi",
            "never",
            "--progress",
            "plain",
            "--project-name",
            self.bundle["project"],
        ]
        environment = dict(os.environ, COMPOSE_IGNORE_ORPHANS="0")
        tail, deadline = [], time.monotonic() + seconds
        try:
            # run_command() shows nothing before the end.
            process = subprocess.Popen(  # pylint: disable=ansible-bad-function
                [*command, *arguments],
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
        except FileNotFoundError:
            raise AppError("docker compose is not installed on the host; put it into the group docker_host.") from None
        with process:
            while True:
                ready = select.select([process.stdout], [], [], 1.0)[0]
                if ready:
                    line = process.stdout.readline()
                    if not line:
                        break
                    tail = [*tail[-LOG_LINES:], line.decode("utf-8", "replace").strip()]
                    self.say(f"{arguments[0]}: {tail[-1][:160]}")
                if time.monotonic() >= deadline:
                    process.kill()
                    raise AppError(f"{what} of {self.bundle['app']} took more than {seconds} s and was ended.")
        if process.returncode:
            told = " | ".join(
                [line for line in tail if "error" in line.lower()][-4:] or [line for line in tail[-6:] if line]
            )
            raise AppError(
                f"{what} failed for {self.bundle['app']} (code {process.returncode}): {self.app.redact(told)}"
            )


def _finished(service, seen):
    """Whether a service that runs once has done so without an error."""
    return bool(service and service["one_shot"] and seen.state == "exited" and seen.exit_code == 0)


def _sentence(exc):
    text = str(exc).strip()
    return text if text.endswith((".", "!", "?")) else text + "."
