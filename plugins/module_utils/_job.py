# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Work that outlives the call that began it: done in a process of its own, followed by later calls.

Private to the collection.

A module can say nothing while it works. So the work runs in a child that writes what it is doing into a folder; a call that
has waited long enough returns that sentence, and the next call waits on. It also means that a lost connection or a killed
controller does not cut the work on the host in two.
"""

from __future__ import annotations

import fcntl
import glob
import json
import os
import shutil
import tempfile
import time
import traceback

from ansible_collections.selfhost.aistack.plugins.module_utils._files import is_free, read_text

POLL = 0.05
# How long one call waits before it says what the work is about; anything over ten seconds speaks.
PATIENCE = 9
# How long a result is kept for a caller that may have been killed.
KEPT = 60
# The file that a job's process has locked for as long as it lives.
_HELD = "held"


def jobs_folder():
    """Where jobs of this user lie: for root alone in /run, for others in a folder of their own for passing files."""
    if os.geteuid() == 0:
        return "/run/aistack"
    return os.path.join(tempfile.gettempdir(), f"aistack-{os.geteuid()}")


class Lost(Exception):
    """The work ended without leaving a result."""


def begin(name, work):
    """Run `work(say)` in a child process of its own session; returns the job's folder. `work` returns what JSON can say.

    name: whose work it is, letters, digits, - and _; `dead` finds it by that.
    """
    jobs = jobs_folder()
    os.makedirs(jobs, mode=0o700, exist_ok=True)
    # mkdtemp's folder is private whoever may own the one above it.
    folder = tempfile.mkdtemp(prefix=f"{name}.{os.getpid()}.", dir=jobs)
    held = os.open(os.path.join(folder, _HELD), os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    # The child has this lock too, and keeps it when this process closes its own descriptor.
    fcntl.flock(held, fcntl.LOCK_EX)
    if os.fork() == 0:
        _child(folder, work)
    os.close(held)
    return folder


def follow(folder, seconds=PATIENCE):
    """Wait up to `seconds` for the result. Returns (result, None), or (None, what it is doing). Raises Lost."""
    if os.path.dirname(folder) != jobs_folder() or not os.path.isdir(folder):
        raise Lost(f"There is no job {folder} on the host.")
    deadline = time.monotonic() + seconds
    while True:
        alive = _alive(folder)
        result = read_text(os.path.join(folder, "result"))
        if result is not None:
            shutil.rmtree(folder, ignore_errors=True)
            return json.loads(result), None
        if not alive:
            shutil.rmtree(folder, ignore_errors=True)
            raise Lost("The work on the host was ended from outside before it was done; run again to go on from there.")
        if time.monotonic() >= deadline:
            return None, read_text(os.path.join(folder, "doing")) or "working"
        time.sleep(POLL)


def dead(name):
    """Folders of this name's jobs whose process was killed, sorted. One that ended by itself removes its folder in time."""
    folders = glob.glob(os.path.join(glob.escape(jobs_folder()), f"{name}.*"))
    return sorted(folder for folder in folders if not _alive(folder))


def clear(folders):
    """Remove folders that `dead` found."""
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


def _child(folder, work):
    """The child: detached, its outputs closed so that no connection waits for it. Never returns."""
    try:
        os.setsid()
        null = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(null, stream)
        try:
            result = work(lambda text: _write(folder, "doing", text))
        except Exception:  # the parent has no other way to hear of it
            result = {
                "failed": True,
                "msg": "The work broke off by a fault of the module.",
                "exception": traceback.format_exc(),
            }
        _write(folder, "result", json.dumps(result))
        _await_collector(folder)
    finally:
        os._exit(0)


def _await_collector(folder):
    """Give the result time to be taken, which removes the folder; nobody takes it whose controller was killed."""
    deadline = time.monotonic() + KEPT
    while os.path.isdir(folder):
        if time.monotonic() >= deadline:
            shutil.rmtree(folder, ignore_errors=True)
        time.sleep(POLL)


def _write(folder, name, text):
    temporary = os.path.join(folder, f".{name}")
    with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as handle:
        handle.write(text)
    os.replace(temporary, os.path.join(folder, name))


def _alive(folder):
    """Whether the job's process, or before there is one the process that is beginning it, runs."""
    held = os.path.join(folder, _HELD)
    if os.path.exists(held):
        return not is_free(held)
    beginner = os.path.basename(folder).rsplit(".", 2)[1]
    return os.path.isdir(f"/proc/{beginner}")
