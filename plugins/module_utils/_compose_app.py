# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One app on one host: look at it, plan, and tell the result in the terms of the task.

Private to the collection.
"""

from __future__ import annotations

import base64
import json
import os
import time
import zlib
from urllib.parse import quote

from ansible_collections.selfhost.aistack.plugins.module_utils import _compose_images, _files
from ansible_collections.selfhost.aistack.plugins.module_utils._changes import change, verb
from ansible_collections.selfhost.aistack.plugins.module_utils._compose_assumed import assume
from ansible_collections.selfhost.aistack.plugins.module_utils._compose_leftovers import find as find_leftovers
from ansible_collections.selfhost.aistack.plugins.module_utils._compose_observe import (
    doubles,
    foreign,
    foreign_problem,
    observe,
)
from ansible_collections.selfhost.aistack.plugins.module_utils._compose_plan import (
    FORCE,
    NONE,
    RELOAD,
    UP,
    plan_files,
    plan_services,
)
from ansible_collections.selfhost.aistack.plugins.module_utils._compose_release import Releases
from ansible_collections.selfhost.aistack.plugins.module_utils._diff import secret_digest
from ansible_collections.selfhost.aistack.plugins.module_utils._redact import redact

_TEXT_LIMIT = 200_000


class AppError(Exception):
    """Why an app could not be brought to the wanted state; one sentence, with what was done about it."""


def unpack(text):
    """The bundle that the controller packed."""
    return json.loads(zlib.decompress(base64.b64decode(text)))


class Stopwatch:
    """Seconds spent in named phases, in the order of their first use."""

    def __init__(self):
        self.seconds = {}
        self._phase, self._since = None, None

    def phase(self, name):
        self.stop()
        self._phase, self._since = name, time.monotonic()

    def stop(self):
        if self._phase:
            spent = time.monotonic() - self._since
            self.seconds[self._phase] = round(self.seconds.get(self._phase, 0) + spent, 3)
        self._phase = None


class App:
    """What is wanted (the bundle), what is there, and the plan between them."""

    def __init__(self, bundle, root, docker):
        self.bundle = bundle
        self.folder = os.path.join(root, bundle["app"])
        self.docker = docker
        self.watch = Stopwatch()
        self.look()

    def look(self, held=False):
        """Read disk and engine once and make the plan. Changes nothing. held: whether this process has locked the app."""
        self.watch.phase("compare")
        bundle = self.bundle
        self.engine = self.docker.available()
        self.releases = Releases(self.folder)
        recorded_paths = [entry["path"] for entry in self.releases.record.get("files", [])]
        present = {*recorded_paths, *self.releases.app_files()}
        paths = {entry["path"] for entry in bundle["files"]} | present
        self.found = {path: _files.look(os.path.join(self.folder, path)) for path in paths}
        self.files = plan_files(bundle["files"], self.found, present)
        self.folders = self.releases.altered_folders()
        further = {}
        if self.engine:
            self.observed, further = self._observe()
            self.images = self._look_at_images()
            self.volumes = [v for v in bundle["volumes"] if not self._volume_fits(v)]
            self.networks = [n for n in bundle["networks"] if not self.docker.find(f"/networks/{quote(n)}")]
        else:
            record = self.releases.record if self.docker.off else {}
            self.observed, self.images, self.volumes, self.networks = assume(record, bundle)
        self.leftovers = find_leftovers(bundle, self.releases, self.docker if self.engine else None, held)
        loaded = self.releases.state["loaded"]
        self.services = plan_services(
            bundle, self.files, self.observed, self.releases.record, self.images, loaded, further
        )
        for name, (action, why) in self.releases.state.get("begun", {}).items():
            if self.services.get(name, {}).get("action") in (NONE, RELOAD):
                self.services[name] = {"action": action, "why": why}
        self.watch.stop()

    def _observe(self):
        project = self.bundle["project"]
        listed = self.docker.containers(project)
        strangers = foreign(listed, self.folder)
        if strangers:
            raise AppError(foreign_problem(project, strangers))
        observed = observe(self.docker, project, listed)
        return observed, doubles(listed, observed)

    def _look_at_images(self):
        references = sorted({service["image"] for service in self.bundle["services"].values()})
        ids = _compose_images.local_ids(self.docker, references)
        for reference in self._taken_names(ids):
            ids[reference] = None
        if self.bundle["pull"] == "always":
            built = {service["image"] for service in self.bundle["services"].values() if service["build"]}
            for reference in references:
                if reference not in built and ids[reference] and _compose_images.moved(self.docker, reference):
                    ids[reference] = None
        return ids

    def _taken_names(self, ids):
        """Names of images built here that a hand has given to another image since the release was recorded."""
        recorded = self.releases.record.get("services", {})
        for name, service in self.bundle["services"].items():
            before = recorded.get(name, {})
            known = before.get("local_image_id") if before.get("image") == service["image"] else None
            if service["build"] and known and ids[service["image"]] not in (None, known):
                yield service["image"]

    def volume_top(self, volume):
        """The folder of a volume on the host, None where the volume does not exist."""
        there = self.docker.find(f"/volumes/{quote(volume['name'])}") if self.engine else None
        return there and there["Mountpoint"]

    def _volume_fits(self, volume):
        top = self.volume_top(volume)
        if top is None:
            return False
        info = os.stat(top)
        return (info.st_uid, info.st_gid) == (volume["uid"], volume["gid"])

    @property
    def record_is_current(self):
        """Whether the current release's record says what the bundle says."""
        services = self.releases.record.get("services", {})
        return {name: service["hash"] for name, service in self.bundle["services"].items()} == {
            name: service["hash"] for name, service in services.items()
        }

    @property
    def changed_files(self):
        return [entry["path"] for entry in self.files if entry["changed"]]

    @property
    def changed(self):
        return bool(self.changes())

    @property
    def unreleased(self):
        """Paths that are to be otherwise than in the current release, whatever lies there now."""
        recorded = {entry["path"]: entry["digest"] for entry in self.releases.record.get("files", [])}
        wanted = {entry["path"]: entry["digest"] for entry in self.bundle["files"]}
        return sorted(path for path in set(recorded) | set(wanted) if recorded.get(path) != wanted.get(path))

    @property
    def next_release(self):
        """The number that the wanted state has or will have. Content that is put right after a change by hand makes no new one."""
        current = self.releases.current
        return (current or 0) + 1 if self.unreleased or not self.record_is_current else current

    def result(self, observed, planned=None):
        """The task's result. observed: containers as they are after the run. planned: the plan that was carried out."""
        planned = planned or self.services
        healed = [leftover.told for leftover in self.leftovers]
        services = {}
        for name, plan in planned.items():
            now = observed.get(name)
            image = self.bundle["services"].get(name, {}).get("image")
            services[name] = {
                "changed": plan["action"] != NONE,
                "why": plan["why"],
                "state": now.state if now else "absent",
                "health": now.health if now else "none",
                "ports": now.ports if now else {},
                "image": image,
                "image_digest": _compose_images.repo_digest(self.docker, image)
                if self.engine and now and image
                else None,
            }
        return {
            "changed": self.changed,
            "changes": self.changes(),
            "app": self.bundle["app"],
            "folder": self.folder,
            "files": [self._told(entry) for entry in self.files],
            "services": services,
            "volumes": [volume["name"] for volume in self.volumes],
            "networks": self.networks,
            "release": self.next_release,
            "healed": healed,
            "warnings": healed,
            "seconds": self.watch.seconds,
        }

    def changes(self):
        """What the plan changes, in the form that all modules share. Empty exactly when nothing changes."""
        app = self.bundle["app"]
        out = [leftover.change() for leftover in self.leftovers]
        out += [change("network", name, "create") for name in self.networks]
        for volume in self.volumes:
            out.append(change("volume", volume["name"], "create" if self.volume_top(volume) is None else "own"))
        wanted = self.bundle["services"].values()
        for reference in sorted({s["image"] for s in wanted if self.images[s["image"]] is None}):
            built = any(s["build"] for s in wanted if s["image"] == reference)
            out.append(change("image", reference, "build" if built else "pull"))
        for entry in self.files:
            if entry["changed"]:
                why = self._why(entry)
                path = os.path.join(self.folder, entry["path"])
                out.append(change("file", path, verb(self.found[entry["path"]], entry["after"]), why))
        for path in self.folders:
            out.append(change("folder", os.path.join(self.folder, path), "change", ["owner or mode"]))
        for name, plan in sorted(self.services.items()):
            if plan["action"] != NONE:
                out.append(change("service", f"{app}/{name}", self._verb_of(name, plan["action"]), plan["why"]))
        if self.next_release != self.releases.current:
            out.append(change("release", f"{app}/{self.next_release}", "create"))
        return out

    def _why(self, entry):
        """Words for what differs about a file."""
        if entry["after"] is None:
            recorded = (known["path"] for known in self.releases.record.get("files", []))
            return ["no longer declared" if entry["path"] in recorded else "put there by hand"]
        return ["content"] if entry["before"] != entry["after"] else ["owner or mode"]

    def _verb_of(self, name, action):
        """What becomes of a service's container, in a word."""
        if action not in (UP, FORCE):
            return action
        if name not in self.observed:
            return "create"
        if action == FORCE or self.differs(name):
            return "recreate"
        return "thin out" if self.observed[name].running else "start"

    def differs(self, name):
        """Whether compose will find the container of a service outdated."""
        service = self.bundle["services"][name]
        return self.observed[name].inputs_hash != service["hash"] or "image digest" in self.services[name]["why"]

    @staticmethod
    def _told(entry):
        """A file's entry for the result. A whole digest of a short secret could be guessed against, so its beginning must do."""
        if _kind(entry["path"]) == "file":
            return entry
        return dict(entry, **{key: entry[key] and entry[key][:8] for key in ("before", "after")})

    def diff(self):
        """Before and after of each changed file for --diff; of secrets and environment only digests."""
        wanted = {entry["path"]: entry for entry in self.bundle["files"]}
        out = []
        for planned in self.files:
            if not planned["changed"]:
                continue
            path = os.path.join(self.folder, planned["path"])
            entry = wanted.get(planned["path"])
            before = b""
            if planned["before"]:
                with open(path, "rb") as handle:
                    before = handle.read()
            after = base64.b64decode(entry["content"]) if entry else b""
            kind = entry["kind"] if entry else _kind(planned["path"])
            found = self.found[planned["path"]]
            out.append(
                {
                    "before_header": f"{path} ({_owner(found)})",
                    "after_header": f"{path} ({_owner(entry)})",
                    "before": _shown(before, kind),
                    "after": _shown(after, kind),
                }
            )
        return out

    def redact(self, text):
        """A text without the app's secrets."""
        return redact(text, self.bundle["redact"])


def _kind(path):
    return {"env": "env", "secrets": "secret"}.get(path.split("/", 1)[0], "file")


def _owner(entry):
    return f"{entry['mode']:04o} {entry['uid']}:{entry['gid']}" if entry else "absent"


def _shown(data, kind):
    if not data:
        return ""
    if kind == "secret":
        return secret_digest(data) + "\n"
    text = data.decode("utf-8", "replace")
    if kind == "env":
        pairs = (line.partition("=") for line in text.splitlines())
        return "".join(
            f"{name}={secret_digest(value)}\n" if sep else f"{secret_digest(name)}\n" for name, sep, value in pairs
        )
    if len(data) > _TEXT_LIMIT or "\0" in text:
        return secret_digest(data) + "\n"
    return text
