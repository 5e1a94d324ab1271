# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The containers of a compose project from their start until they are well and stay so; where one is not, why.

Private to the collection.
"""

from __future__ import annotations

import re
import time

from ansible_collections.selfhost.aistack.plugins.module_utils._compose_observe import observe

POLL = 0.1
# A service may be restarted by the engine this often before its start counts as failed: once is a dependency that was late.
RESTARTS_ALLOWED = 2
LOG_LINES = 20
_PROBE_CHARACTERS = 300
# What the engine says where a limit is too small for the very first process; the last where that was killed before its start.
_NO_MEMORY = re.compile("memory limit|oom-kill|cannot start a stopped process", re.IGNORECASE)
_COLOURS = re.compile("\x1b\\[[0-9;]*m")


class StartFailed(Exception):
    """A service is not well: its text says why, beginning after the `service`'s name; its last log `lines`."""

    def __init__(self, service, reason, lines=""):
        super().__init__(reason)
        self.service, self.reason, self.lines = service, reason, lines


class Watch:
    """What becomes of a project's containers from now on. Services are those of a bundle or of a release's record.

    `say` takes a sentence; `redact` takes secrets out of a text.
    """

    def __init__(self, docker, project, say, redact):
        self.docker = docker
        self.project = project
        self.say = say
        self.redact = redact
        self.since = time.time()
        self.before = self.observe()

    def observe(self):
        """{service: Observed}"""
        return observe(self.docker, self.project)

    def until_healthy(self, services, seconds):
        """Wait until every service is healthy, or runs where it has no healthcheck. Raises StartFailed, after `seconds` at the latest."""
        deadline = time.monotonic() + seconds
        while True:
            observed = self.observe()
            waiting = {}
            for name, service in services.items():
                reason = self._not_ready(name, service, observed.get(name))
                if reason:
                    waiting[name] = reason
            if not waiting:
                return
            if time.monotonic() >= deadline:
                name, reason = sorted(waiting.items())[0]
                seen = observed[name]
                probe = f"; its check said: {self._end_of_probe(seen)}" if seen.last_probe else ""
                raise StartFailed(
                    name, f"did not become healthy within {seconds} s (it is {reason}{probe})", self._log(seen)
                )
            self.say(
                "waiting until "
                + ", ".join(f"{name} is healthy (now {reason})" for name, reason in sorted(waiting.items()))
            )
            time.sleep(POLL)

    def settle(self, services, seconds):
        """Look on for `seconds` whether services that are well stay so. Raises StartFailed as soon as one does not."""
        self.say("looking on for a moment whether everything stays healthy")
        well = self.observe()
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            time.sleep(POLL)
            observed = self.observe()
            for name, service in services.items():
                was, now = well.get(name), observed.get(name)
                if was is None or now is None:
                    raise StartFailed(name, "was well and then its container was removed")
                same = (now.id, now.started_at, now.running) == (was.id, was.started_at, was.running)
                if (same and now.health != "unhealthy") or finished(service, now):
                    continue
                word = "healthy" if was.health == "healthy" else "running"
                raise StartFailed(name, f"was {word} and then {self._trouble(now, ended=not same)}", self._log(now))

    def blame(self, text, services, app):
        """What made a start fail: the first service that is not well, or else the app as a whole with compose's words."""
        for name, seen in sorted(self.observe().items()):
            if seen.state == "created" and _NO_MEMORY.search(text):
                return StartFailed(
                    name, f"could not be started, it seems for want of memory ({_allowed(seen)}): {text}"
                )
            if seen.state == "created":
                return StartFailed(name, f"could not be started: {text}")
            if seen.health == "unhealthy" or (not seen.running and not finished(services.get(name), seen)):
                return StartFailed(name, self._trouble(seen), self._log(seen))
        return StartFailed(app, f"could not be started: {text}")

    def _not_ready(self, name, service, seen):
        if seen is None:
            raise StartFailed(name, "has no container after the start")
        if finished(service, seen):
            return None
        before = self.before.get(name)
        restarts = seen.restarts - (before.restarts if before and before.id == seen.id else 0)
        if seen.state in ("exited", "dead") or seen.health == "unhealthy" or restarts >= RESTARTS_ALLOWED:
            raise StartFailed(name, self._trouble(seen, restarts), self._log(seen))
        if not seen.running:
            return seen.state
        return None if seen.health in ("healthy", "none") else seen.health

    def _trouble(self, seen, restarts=0, ended=False):
        """Why a container is not well, as the rest of a sentence that begins with its service.

        restarts: how often the engine has started it again. ended: whether it is known to have ended, although it may run again.
        A container that the engine has restarted shows nothing of its last end any more; what the engine noted does.
        """
        noted = self.docker.past(seen.id, self.since)
        codes = [attributes.get("exitCode") for action, attributes in noted if action == "die"] or [str(seen.exit_code)]
        if seen.out_of_memory or any(action == "oom" for action, _attributes in noted):
            return f"was killed for want of memory ({_allowed(seen)})"
        if restarts:
            return f"keeps exiting (code {codes[-1]}, {restarts} restarts)"
        if ended or seen.state in ("exited", "restarting"):
            return f"exited with code {codes[-1]}"
        if seen.health == "unhealthy":
            return f"is unhealthy ({self._end_of_probe(seen)})" if seen.last_probe else "is unhealthy"
        return f"is {seen.state}"

    def _end_of_probe(self, seen):
        """The end of what a healthcheck printed, in one line; cut without its secrets, as a part of one would not be recognised."""
        return " ".join(self.redact(seen.last_probe).split())[-_PROBE_CHARACTERS:]

    def _log(self, seen):
        return _COLOURS.sub("", self.docker.logs(seen.id, LOG_LINES)).strip()


def _allowed(seen):
    """How much memory a container may have, and what to do."""
    limit = seen.fingerprint["Memory"]
    return f"its memory limit is {limit // 2**20} MiB; raise it" if limit else "the host has no more of it"


def finished(service, seen):
    """Whether a service that runs once has done so without an error."""
    return bool(service and service["one_shot"] and seen.state == "exited" and seen.exit_code == 0)
