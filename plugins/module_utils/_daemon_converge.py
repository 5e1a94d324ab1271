# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring daemon.json and the running engine to what an owner wants, also after a run that was killed half way.

Private to the collection.

The state file remembers two things: which paths each owner wrote, and with which values the running engine process was
started or last reloaded. Both are written *before* the file is swapped and corrected after the engine has followed. A run
killed anywhere in between leaves an engine whose record differs from the file, and the next run gives it what it missed.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time

from ansible_collections.selfhost.aistack.plugins.module_utils import _daemon_config as rules
from ansible_collections.selfhost.aistack.plugins.module_utils import _files
from ansible_collections.selfhost.aistack.plugins.module_utils._changes import LEFT, change, verb
from ansible_collections.selfhost.aistack.plugins.module_utils._daemon_service import ServiceError
from ansible_collections.selfhost.aistack.plugins.module_utils._diff import DifferenceTracker

STATE_NAME = ".aistack-daemon.json"
# A process's start is known to one kernel tick (0.01 s), a file's change more finely.
_TICK = 0.02
# How long another run may hold the file: longer than a restart of the engine takes, in seconds.
_PATIENCE = 300


def daemon_argument_spec():
    """The options of docker_daemon_config."""
    return {
        "owner": {"type": "str", "default": "docker_host"},
        "config": {"type": "dict", "required": True},
        "path": {"type": "path", "default": "/etc/docker/daemon.json"},
        "timeout": {"type": "int", "default": 120},
    }


class DaemonConfig:
    """One owner's contribution to one daemon.json.

    :param path: the file; its folder also holds the state file.
    :param owner: the contributor's name.
    :param config: what it wants.
    :param service: an EngineService, or what acts like one.
    """

    def __init__(self, path, owner, config, service):
        self.path = path
        self.state_path = os.path.join(os.path.dirname(path), STATE_NAME)
        self.owner = owner
        self.config = rules.wanted(config)
        self.service = service
        self.remembered = None

    def converge(self, check=False):
        """Do what is missing, or only tell it. Returns the module's result; raises ConfigError or ServiceError.

        Afterwards `remembered` tells whether the state file knew the running engine's process when the run began.
        """
        folder = os.path.dirname(self.path)
        if not os.path.isdir(folder):
            if check:
                return self._converge(check)
            os.makedirs(folder, 0o755)
        with _locked(folder, self.path):
            return self._converge(check)

    def _converge(self, check):
        state = self._read_state()
        left = _files.half_written(os.path.dirname(self.path))
        text = self._read()
        current = rules.parse(text or "", self.path)
        result, record = rules.merge(current, self.owner, self.config, state["owners"])
        engine = self.service.status()
        # An unknown process is written down even by a run that changes nothing: what it uses can later only be guessed.
        self.remembered = not engine["daemon"] or state["loaded"]["daemon"] == engine["daemon"]
        loaded = self._loaded(state, engine, rules.digests(current))
        desired = rules.digests(result)
        action, behind = rules.decide(loaded, desired) if engine["daemon"] else ("none", [])
        differences = _differences(current, result, action, behind)
        changes = [change("leftover", path, "remove", [LEFT]) for path in left]
        changes += self._changes(differences.diff, text, action, behind)
        healed = [f"{path} was left half-written by a run that was cut off, and is removed." for path in left]
        if state["under_way"]:
            healed.append(
                f"A run was cut off while it brought {self.path} to what {state['under_way']} wants; what it left undone is done."
            )
            changes.append(change("leftover", self.state_path, "change", [LEFT]))
        outcome = {
            "changed": bool(changes),
            "changes": changes,
            "healed": healed,
            "warnings": healed,
            "action": action,
            "changed_keys": [name for name in differences.names if name != "engine"],
            "engine_keys": behind,
            "diff": differences.diff,
        }
        if differences.changed:
            self._validate(result, engine["flags"])
        if check:
            return outcome
        new_text = text if result == current else rules.encode(result)
        owners = dict(state["owners"])
        owners[self.owner] = rules.intent(owners.get(self.owner), record)
        _files.remove(left)
        self._remember(state, owners, engine["daemon"], loaded, under_way=differences.changed and self.owner)
        if new_text != text:
            try:
                self._write(new_text, lambda: self._refuse_other(text))
            except (OSError, rules.ConfigError):
                self._remember(None, state["owners"], engine["daemon"], loaded, under_way=state["under_way"])
                raise
        if action != "none":
            self._act(action, result, state, text)
            engine = self.service.status()
        owners[self.owner] = record
        if not record["keys"]:
            del owners[self.owner]
        self._remember(None, owners, engine["daemon"], desired)
        return outcome

    def _changes(self, diff, text, action, behind):
        keys = [name for name in diff["before"] if name != "engine"]
        made = [change("daemon key", name, verb(diff["before"][name], diff["after"][name])) for name in keys]
        if keys:
            made.insert(0, change("file", self.path, "create" if text is None else "change", keys))
        if action != "none":
            made.append(change("engine", "docker", action, behind))
        return made

    def _loaded(self, state, engine, current):
        """{path: digest} that the running engine uses, as far as it can be known."""
        known = state["loaded"]
        if not engine["daemon"]:
            return known["keys"]
        if known["daemon"] == engine["daemon"]:
            return rules.doubtful(known["keys"], current)
        changed = _change_time(self.path)
        if changed is None or changed < engine["started"] + _TICK:
            return current
        # The file was changed after a start that no run has seen; what it held before is the best guess.
        return known["keys"]

    def _act(self, action, result, state, old_text):
        try:
            if action == "reload":
                self.service.reload()
                return
            if result.get("live-restore") and not self.service.live_restore():
                self.service.reload_live_restore()
            self.service.restart()
        except ServiceError as exc:
            raise ServiceError(
                f"The engine does not run with the new configuration: {exc}; {self._put_back(state, old_text)}."
            ) from exc

    def _put_back(self, state, old_text):
        """Return to the file and the engine as they were; tells how that went."""
        if old_text is None:
            os.unlink(self.path)
        else:
            self._write(old_text)
        try:
            self.service.restart()
        except ServiceError as exc:
            return f"the previous file is back in {self.path}, but the engine does not start with it either: {exc}"
        keys = rules.digests(rules.parse(old_text or "", self.path))
        self._remember(None, state["owners"], self.service.status()["daemon"], keys)
        return f"the previous file is back in {self.path} and the engine runs with it"

    def _validate(self, config, flags):
        # A file in memory: a run that is killed here leaves nothing.
        with open(os.memfd_create("daemon.json"), "w", encoding="utf-8") as handle:
            handle.write(rules.encode(config))
            handle.flush()
            self.service.validate(f"/proc/{os.getpid()}/fd/{handle.fileno()}", self.path, flags)

    def _read(self):
        try:
            return _files.read_text(self.path)
        except (OSError, UnicodeDecodeError) as exc:
            reason = exc.strerror if isinstance(exc, OSError) else "it is no UTF-8 text"
            raise rules.ConfigError(
                f"{self.path} cannot be read ({reason}): put it right or move it away, then run again."
            ) from exc

    def _refuse_other(self, text):
        if self._read() != text:
            raise rules.ConfigError(
                f"{self.path} was changed by somebody else while it was being merged, and is left as it is now: "
                "find out who else writes it, then run again."
            )

    def _write(self, text, last_look=None):
        there = _files.look(self.path) or {"mode": 0o644, "uid": 0, "gid": 0}
        _files.write(self.path, text.encode(), there["mode"], there["uid"], there["gid"], last_look)

    def _read_state(self):
        """The remembered state; a garbled one (there is no way to it but by hand) is told, not guessed."""
        try:
            stored = _files.read_json(self.state_path, {})
        except ValueError as exc:
            raise rules.ConfigError(f"{exc}: remove it, then run again.") from exc
        return {
            "owners": stored.get("owners", {}),
            "loaded": stored.get("loaded", {"daemon": None, "keys": {}}),
            "under_way": stored.get("under_way"),
        }

    def _remember(self, old, owners, daemon, keys, under_way=None):
        """Write the state; `under_way`: whose change has begun and is not done, so that the next run can tell of a cut."""
        new = {"owners": owners, "loaded": {"daemon": daemon, "keys": keys}}
        if under_way:
            new["under_way"] = under_way
        text = json.dumps(new, indent=1, sort_keys=True) + "\n"
        if new != old and text != _files.read_text(self.state_path):
            _files.write(self.state_path, text.encode())


def _differences(current, result, action, behind):
    differences = DifferenceTracker()
    before, after = rules.flatten(current), rules.flatten(result)
    for path in sorted(set(before) | set(after)):
        secret = rules.is_secret(path)
        pair = [
            json.dumps(side[path], sort_keys=True) if secret and path in side else side.get(path)
            for side in (before, after)
        ]
        differences.add(path, *pair, secret=secret)
    if action != "none":
        differences.add("engine", "uses other values of " + ", ".join(behind), action)
    return differences


def _change_time(path):
    try:
        return os.stat(path).st_ctime
    except FileNotFoundError:
        return None


@contextlib.contextmanager
def _locked(folder, path):
    """One run at a time for all files of a folder; the lock ends with its process and leaves nothing behind."""
    handle = os.open(folder, os.O_RDONLY)
    deadline = time.monotonic() + _PATIENCE
    try:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise rules.ConfigError(
                        f"{path} has been held by another run on this host for {_PATIENCE} s: let that end, then run again."
                    ) from None
                time.sleep(0.05)
        yield
    finally:
        os.close(handle)
