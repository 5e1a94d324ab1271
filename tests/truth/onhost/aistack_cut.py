# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Counts what this collection's code does to the world, and at the effect of a given number cuts it off.

Python tells an audit hook of every file that is opened to be written, every rename, program and lock before it happens. So each
of them is a place at which a run can be cut, found without a word about it in the code that is cut. The hook is inherited by
forked children, such as the job that compose_app's work runs in.

The folder holds: plan (JSON: number, deed), log (one line of JSON for each effect), reached (made at the effect of that number),
go (made by the tester, lets the process go on). The deed kill ends the process by SIGKILL; the deed wait lets the tester do one.

Runs on test hosts with their Python, and imports nothing but its standard library.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import sys
import threading
import time

FOLDER = "/run/aistack-cut"
OURS = "ansible_collections.selfhost."
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_PATHS = {
    "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod", "os.chown", "os.link", "os.symlink", "os.truncate",
}  # fmt: skip
# Devices and the kernel's own files of processes; Ansible's own temporary files; Python's compiled code.
_NO_EFFECT = ("ansible_", "/dev/", "/proc/self/", "/tmp/ansible", "/root/.ansible", "/home/ops/.ansible")  # noqa: S108


def label(event, args):
    """The words for an effect, None for an event that is none."""
    if event in _PATHS:
        # The first is a path or, of an open file, its number.
        words = [str(word) for word in args[:2] if word is args[0] or isinstance(word, str)]
        # What a job says it is doing is told as often as it takes, and is no state.
        if words[-1].endswith("/doing") or words[0].startswith(_NO_EFFECT):
            return None
        return f"{event[3:]} {' '.join(words)}"
    if event == "open":
        path, _mode, flags = args
        if not isinstance(path, str) or not flags & _WRITING or "__pycache__" in path:
            return None
        return None if path.startswith(_NO_EFFECT) or path.endswith("/.doing") else f"write {path}"
    if event == "subprocess.Popen":
        words = [os.fsdecode(word) for word in args[1]] if not isinstance(args[1], str) else [args[1]]
        return "run " + " ".join(words)[:160]
    if event == "http.client.send":
        first = bytes(args[1][:120]).split(b"\r\n")[0].decode("utf-8", "replace")
        return f"send {first}" if first.split(" ")[0] in ("POST", "PUT", "DELETE", "PATCH") else None
    if event == "fcntl.flock":
        return "lock" if args[1] & fcntl.LOCK_EX else None
    return "fork" if event == "os.fork" else None


class Cutter:
    """The hook. `folder`: where plan and log lie. `ours`: tells whether this process runs code that is to be cut."""

    def __init__(self, folder, ours):
        with open(os.path.join(folder, "plan"), encoding="utf-8") as handle:
            plan = json.load(handle)
        self._folder = folder
        self._ours = ours
        self._number, self._deed = plan["number"], plan["deed"]
        self._mine = threading.local()

    def hook(self, event, args):
        """Called by Python before the effect."""
        # What the hook does itself is no effect.
        if getattr(self._mine, "inside", False):
            return
        words = label(event, args)
        if words is None or not self._ours():
            return
        self._mine.inside = True
        try:
            if self._count(event, words) == self._number:
                self._cut(words)
        except FileNotFoundError:
            # The tester has taken its folder away: nothing is counted any more.
            return
        finally:
            self._mine.inside = False

    def _count(self, event, words):
        with open(os.path.join(self._folder, "log"), "r+", encoding="utf-8") as log:
            fcntl.flock(log, fcntl.LOCK_EX)
            number = len(log.readlines()) + 1
            log.write(json.dumps({"number": number, "pid": os.getpid(), "event": event, "label": words}) + "\n")
        return number

    def _cut(self, words):
        if self._deed == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        reached = os.path.join(self._folder, "reached")
        with open(reached, "w", encoding="utf-8") as handle:
            handle.write(words)
        while os.path.exists(reached) and not os.path.exists(os.path.join(self._folder, "go")):
            time.sleep(0.02)


def _collection_is_loaded():
    return any(name.startswith(OURS) for name in list(sys.modules))


def start(folder=FOLDER, ours=_collection_is_loaded):
    """Begin to count in this process and its forked children, if there is a plan for it."""
    with contextlib.suppress(FileNotFoundError, PermissionError):
        sys.addaudithook(Cutter(folder, ours).hook)
