# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Watches the processes of a machine for texts in what they were called with and in their environment.

Reads its order from the first line of standard input, as JSON: {"needles": {name: [texts]}, "inner": whether to look
into containers too}. Then it looks again and again, until standard input ends, and prints what it found. Nothing of the order
stands in its own arguments or environment.

{"passes": how often it looked, "processes": how many it saw, "found": [{"names", "where", "comm", "container"}],
"open_folders": temporary folders of Ansible that others than their owner could enter}
"""

from __future__ import annotations

import glob
import json
import os
import re
import select
import stat
import sys
import time
from typing import Any

_PAUSE_S = 0.004
_CONTAINER = re.compile("[0-9a-f]{64}")
_ANSIBLE_FOLDERS = ["/root/.ansible/tmp/*", "/home/*/.ansible/tmp/*"]


class Watch:
    """What was seen so far."""

    def __init__(self, needles: dict[str, list[str]], inner: bool) -> None:
        self._inner = inner
        self._needles = {name: [text.encode() for text in texts] for name, texts in needles.items()}
        self._space = os.readlink("/proc/self/ns/pid")
        self._known: dict[str, bytes] = {}
        self.passes = 0
        self.seen: set[tuple[str, bytes]] = set()
        self.found: set[tuple[tuple[str, ...], str, str, str]] = set()
        self.open_folders: set[str] = set()

    def look(self) -> None:
        """Look at all processes once."""
        self.passes += 1
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                self._process(pid)
            except (FileNotFoundError, ProcessLookupError, PermissionError):
                self._known.pop(pid, None)
        for pattern in _ANSIBLE_FOLDERS:
            self.open_folders |= {path for path in glob.glob(pattern) if _open(path)}

    def _process(self, pid: str) -> None:
        arguments = _read(pid, "cmdline")
        if not self._inner and os.readlink(f"/proc/{pid}/ns/pid") != self._space:
            return
        if self._known.get(pid) == arguments:
            return
        self._known[pid] = arguments
        self.seen.add((pid, arguments))
        for where, data in (("arguments", arguments), ("environment", _read(pid, "environ"))):
            names = tuple(name for name, texts in self._needles.items() if any(text in data for text in texts))
            if names:
                containers = _CONTAINER.findall(_read(pid, "cgroup").decode())
                comm = _read(pid, "comm").decode().strip()
                self.found.add((names, where, comm, containers[-1] if containers else ""))


def _read(pid: str, name: str) -> bytes:
    with open(f"/proc/{pid}/{name}", "rb") as file:
        return file.read()


def _open(path: str) -> bool:
    try:
        return bool(stat.S_IMODE(os.stat(path).st_mode) & 0o077)
    except FileNotFoundError:
        return False


def main() -> dict[str, Any]:
    """Watch until standard input ends."""
    watch = Watch(**json.loads(sys.stdin.readline()))
    watch.look()
    print("watching", flush=True)
    while not select.select([sys.stdin], [], [], 0)[0]:
        watch.look()
        time.sleep(_PAUSE_S)
    watch.look()
    found = [
        {"names": list(names), "where": where, "comm": comm, "container": container}
        for names, where, comm, container in sorted(watch.found)
    ]
    return {
        "passes": watch.passes,
        "processes": len(watch.seen),
        "found": found,
        "open_folders": sorted(watch.open_folders),
    }


if __name__ == "__main__":
    print(json.dumps(main()))
