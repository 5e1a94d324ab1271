# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Searches files, and what commands print, for texts.

Reads its order as JSON from standard input and prints what it found as JSON.

needles   {name: [texts]}
roots     folders and files to search; skip: paths that are left out with all below them
since     files whose content and properties are older than this (s since the epoch) are left out
commands  {label: command line} whose output is searched

{"files": [{"path", "mode", "uid", "open", "names"}], "commands": {label: names}, "searched": number of files}
`open`: whether somebody else than its owner, root and root's group could read the file, folders above it considered.
"""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from typing import Any, BinaryIO

_CHUNK = 8 * 1024 * 1024


class Search:
    """A search for needles."""

    def __init__(self, needles: dict[str, list[str]]) -> None:
        self._needles = {name: [text.encode() for text in texts] for name, texts in needles.items()}
        self._overlap = max(len(text) for texts in self._needles.values() for text in texts)

    def stream(self, source: BinaryIO) -> list[str]:
        """The names of the needles in a stream."""
        found, tail = set(), b""
        while chunk := source.read(_CHUNK):
            data = tail + chunk
            found |= {name for name, texts in self._needles.items() if any(text in data for text in texts)}
            tail = data[-self._overlap :]
        return sorted(found)

    def files(self, roots: list[str], skip: list[str], since: float) -> tuple[list[dict[str, Any]], int]:
        """Every file below the roots that holds a needle, and how many were looked at."""
        found, searched = [], 0
        for path in _files(roots, {os.path.abspath(path) for path in skip}):
            try:
                info = os.lstat(path)
                if not stat.S_ISREG(info.st_mode) or max(info.st_mtime, info.st_ctime) < since:
                    continue
                with open(path, "rb") as file:
                    names = self.stream(file)
            except OSError:
                # It went away, or is no file to read, such as one of the kernel's.
                continue
            searched += 1
            if names:
                mode = stat.S_IMODE(info.st_mode)
                entry = {"path": path, "mode": f"{mode:04o}", "uid": info.st_uid, "names": names}
                found.append(dict(entry, open=is_open(path, mode, info.st_gid)))
        return found, searched


def _files(roots: list[str], skip: set[str]) -> Any:
    for root in roots:
        if os.path.isfile(root):
            yield root
        for folder, folders, names in os.walk(root):
            folders[:] = [name for name in folders if os.path.join(folder, name) not in skip]
            yield from (os.path.join(folder, name) for name in names)


def is_open(path: str, mode: int, gid: int) -> bool:
    """Whether others can read a file."""
    if not (mode & 0o004 or mode & 0o040 and gid != 0):
        return False
    folder = os.path.dirname(path)
    while folder != "/":
        info = os.stat(folder)
        if not (info.st_mode & 0o001 or info.st_mode & 0o010 and info.st_gid != 0):
            return False
        folder = os.path.dirname(folder)
    return True


def main() -> dict[str, Any]:
    """Do what the order says."""
    order = json.load(sys.stdin)
    search = Search(order["needles"])
    files, searched = search.files(order.get("roots", []), order.get("skip", []), order.get("since", 0))
    commands = {}
    for label, command in order.get("commands", {}).items():
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
            commands[label] = search.stream(process.stdout)
        if process.returncode:
            raise SystemExit(f"{label}: the command ended with {process.returncode}")
    return {"files": files, "commands": commands, "searched": searched}


if __name__ == "__main__":
    print(json.dumps(main()))
