# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One look at all apps of a host: which of them are, right now, what their last release says.

Private to the collection.

A round trip costs many times what such a look costs, so the first look at a host, or the first app of a play, can spare the
others theirs. What an app's release wants is kept in its record, without contents and secrets: digests are enough to compare.
"""

from __future__ import annotations

import hashlib
import json
import os

from ansible_collections.selfhost.aistack.plugins.module_utils._compose_app import App, AppError
from ansible_collections.selfhost.aistack.plugins.module_utils._compose_release import Busy, Releases
from ansible_collections.selfhost.aistack.plugins.module_utils._diff import secret_digest
from ansible_collections.selfhost.aistack.plugins.module_utils._docker import DockerError
from ansible_collections.selfhost.aistack.plugins.module_utils._health import look

# How a run goes about its work; what is wanted of the host stays the same whatever they say.
_MANNERS = ("wait", "settle", "keep", "ready_timeout", "redact")
# Options of a target of `ready` that hold secrets.
SECRETS_OF_TARGETS = ("headers", "password", "secret_key", "session_token")


def outline(bundle):
    """What a bundle wants, small and without secrets."""
    wanted = {key: value for key, value in bundle.items() if key not in _MANNERS}
    # A rehearsal's model is made of the files and may hold what they hold.
    wanted["rehearse"] = sorted(bundle["rehearse"])
    wanted["files"] = [{k: v for k, v in entry.items() if k != "content"} for entry in bundle["files"]]
    wanted["ready"] = [{k: _without_secret(k, v) for k, v in target.items()} for target in bundle["ready"]]
    return wanted


def _without_secret(option, value):
    if option not in SECRETS_OF_TARGETS or value is None:
        return value
    return secret_digest(json.dumps(value, sort_keys=True))


def outline_digest(wanted):
    """A digest of an outline, the same on the controller and on the host."""
    return hashlib.sha256(json.dumps(wanted, sort_keys=True).encode()).hexdigest()


def keep_outline(app):
    """Let the record of an app that has nothing to change say what its release wants, where it says so in other words.

    That is so after an upgrade of this collection, and where only the manner of running changed. It changes nothing of the app.
    """
    wanted = outline(app.bundle)
    if app.releases.record.get("outline") == wanted:
        return
    try:
        lock = app.releases.lock(0, waiting=lambda: None)
    except Busy:
        # Whoever changes the app writes its record anew.
        return
    try:
        fresh = Releases(app.folder)
        if fresh.current == app.releases.current:
            fresh.amend(outline=wanted)
    finally:
        os.close(lock)


def is_ready(bundle):
    """Whether everything that shall be ready with an app is so, by one attempt each."""
    return all(report.ready for report in look(bundle["ready"]))


def settled_apps(root, docker, besides=None):
    """{app: {"outline": digest, "result": what its task would return}} of the apps that have nothing to change.

    root: folder of all apps. besides: an app that is left out. An app that cannot be looked at is left out too: its own task
    will tell why.
    """
    found = {}
    for name in sorted(os.listdir(root)):
        folder = os.path.join(root, name)
        if name == besides or not os.path.isdir(folder):
            continue
        try:
            wanted = Releases(folder).record.get("outline")
            # Whether a tag has moved only the registry knows, and what a target asks a password for only the app's own task.
            if not wanted or wanted["pull"] == "always" or _has_secrets(wanted["ready"]):
                continue
            app = App(wanted, root, docker)
            if not app.changed and is_ready(wanted):
                found[name] = {"outline": outline_digest(wanted), "result": app.result(app.observed)}
        except (AppError, DockerError, OSError, ValueError, KeyError):
            continue
    return found


def _has_secrets(targets):
    return any(target.get(option) is not None for target in targets for option in SECRETS_OF_TARGETS)
