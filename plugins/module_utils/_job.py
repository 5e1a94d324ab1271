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

import json
import os
import shutil
import tempfile
import time
import traceback

from ansible_collections.selfhost.aistack.plugins.module_utils._files import read_text

POLL = 0.05
# How long one call waits before it says what the work is about; anything over ten seconds speaks.
PATIENCE = 9


def jobs_folder():
    """Where jobs of this user lie: for root alone in /run, for others in a folder of their own for passing files."""
    if os.geteuid() == 0:
        return "/run/aistack"
    return os.path.join(tempfile.gettempdir(), f"aistack-{os.geteuid()}")


class Lost(Exception):
    """The work ended without leaving a result."""


def begin(work):
    """Run `work(say)` in a child process of its own session; returns the job's folder. `work` returns what JSON can say."""
    jobs = jobs_folder()
    os.makedirs(jobs, mode=0o700, exist_ok=True)
    # mkdtemp's folder is private whoever may own the one above it.
    folder = tempfile.mkdtemp(prefix="job-", dir=jobs)
    if os.fork() == 0:
        _child(folder, work)
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
            shutil.rmtree(folder)
            return json.loads(result), None
        if not alive:
            shutil.rmtree(folder)
            raise Lost("The work on the host was ended from outside before it was done; run again to go on from there.")
        if time.monotonic() >= deadline:
            return None, read_text(os.path.join(folder, "doing")) or "working"
        time.sleep(POLL)


def _child(folder, work):
    """The child: detached, its outputs closed so that no connection waits for it. Never returns."""
    try:
        os.setsid()
        null = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(null, stream)
        _write(folder, "pid", str(os.getpid()))
        try:
            result = work(lambda text: _write(folder, "doing", text))
        except Exception:  # the parent has no other way to hear of it
            result = {
                "failed": True,
                "msg": "The work broke off by a fault of the module.",
                "exception": traceback.format_exc(),
            }
        _write(folder, "result", json.dumps(result))
    finally:
        os._exit(0)


def _write(folder, name, text):
    temporary = os.path.join(folder, f".{name}")
    with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as handle:
        handle.write(text)
    os.replace(temporary, os.path.join(folder, name))


def _alive(folder):
    """Whether the child runs; a child that has not yet written its number counts as running for a while."""
    pid = read_text(os.path.join(folder, "pid"))
    if pid is None:
        return time.time() - os.stat(folder).st_mtime < 10
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as handle:
            return handle.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
