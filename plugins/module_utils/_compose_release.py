# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The releases of one app on the host: numbered folders with all files, and the record of which one is current.

Private to the collection.

/opt/aistack/<app>/                the files in use (compose.yml, env/, secrets/, ...)
/opt/aistack/<app>/releases/<n>/   a copy of the files of release n, and release.json with services and image ids
/opt/aistack/<app>/swap/           while a run lasts: the files that it changes, as they will be (new) and as they were (old)
/opt/aistack/<app>/state.json      {current, loaded}; written last, so it names only releases that were healthy. While a run lasts that
                                   makes services reread or forces them to restart: begun, {service: [action, why]}
"""

from __future__ import annotations

import base64
import fcntl
import os
import shutil
import stat
import time

from ansible_collections.selfhost.aistack.plugins.module_utils import _files

RELEASES = "releases"
RECORD = "release.json"
STATE = "state.json"
SWAP = "swap"
NEW, OLD = "new", "old"
LOCK = ".lock"


class Busy(Exception):
    """Another run holds the app's lock."""


class Releases:
    """Store below an app's root folder. Nothing is made on disk before `prepare`."""

    def __init__(self, root):
        self.root = root
        self.state = _files.read_json(os.path.join(root, STATE), {"current": None, "loaded": {}})
        self.current = self.state["current"]
        self.record = self.read(self.current) if self.current is not None else {}

    def folder(self, number):
        return os.path.join(self.root, RELEASES, str(number))

    def read(self, number):
        """The record of a release, {} where it is missing."""
        return _files.read_json(os.path.join(self.folder(number), RECORD), {})

    def numbers(self):
        try:
            names = os.listdir(os.path.join(self.root, RELEASES))
        except FileNotFoundError:
            return []
        return sorted(int(name) for name in names if name.isdigit())

    def unfinished(self):
        """Numbers of releases newer than the current one: what an interrupted or failed run left."""
        return [number for number in self.numbers() if self.current is None or number > self.current]

    def outlived(self, keep):
        """Numbers of older releases that are more than `keep` (None: all are kept), or of which only a part is left."""
        older = [number for number in self.numbers() if self.current is not None and number <= self.current]
        surplus = older[: -max(keep, 1)] if keep is not None else []
        return [n for n in older if n in surplus or not os.path.exists(os.path.join(self.folder(n), RECORD))]

    def is_free(self):
        """Whether no run holds the app."""
        lock = os.path.join(self.root, LOCK)
        return not os.path.exists(lock) or _files.is_free(lock)

    def prepare(self):
        """Make the app's folders, for root alone."""
        os.makedirs(os.path.join(self.root, RELEASES), mode=0o700, exist_ok=True)
        os.chmod(self.root, 0o700)

    def app_files(self):
        """Paths of what lies in the app's folder and is neither a folder nor this store's own."""
        found = []
        for folder, _folders, names in self._walk():
            links = [name for name in os.listdir(folder) if os.path.islink(os.path.join(folder, name))]
            paths = (os.path.relpath(os.path.join(folder, name), self.root) for name in {*names, *links})
            found += [path for path in paths if path not in (STATE, LOCK)]
        return sorted(path for path in found if not os.path.basename(path).startswith(_files.NEW_PREFIX))

    def altered_folders(self):
        """Paths of folders whose owner or mode is not what `prepare` and `write_files` give them; '' is the app's own."""
        found = []
        for folder, _folders, _names in self._walk():
            info = os.lstat(folder)
            path = os.path.relpath(folder, self.root)
            wanted = 0o700 if path == "." else 0o755
            if (stat.S_IMODE(info.st_mode), info.st_uid, info.st_gid) != (wanted, os.geteuid(), os.getegid()):
                found.append("" if path == "." else path)
        return sorted(found)

    def put_right(self, folders):
        """Give folders that `altered_folders` found their owner and mode."""
        for path in folders:
            full = os.path.join(self.root, path)
            os.chown(full, os.geteuid(), os.getegid())
            os.chmod(full, 0o755 if path else 0o700)

    def _walk(self):
        """os.walk over the app's folder without this store's own folders."""
        for folder, folders, names in os.walk(self.root):
            if folder == self.root:
                folders[:] = [name for name in folders if name not in (RELEASES, SWAP)]
            yield folder, folders, names

    def lock(self, seconds, waiting):
        """Hold the app for this process; `waiting` is called while another run has it. Raises Busy after `seconds`."""
        self.prepare()
        handle = os.open(os.path.join(self.root, LOCK), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        deadline = time.monotonic() + seconds
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return handle
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    os.close(handle)
                    raise Busy() from None
                waiting()
                time.sleep(0.1)

    def stage(self, files):
        """Write all files of a new release into a folder of its own; returns its number. Leftovers of cut runs are removed."""
        self.clear_unfinished()
        number = (self.current or 0) + 1
        folder = self.folder(number)
        os.makedirs(folder, mode=0o700)
        write_files(folder, files)
        return number

    def make_ready(self, files, paths):
        """Lay the new content of `paths` beside the app's files, and that of the current release, for `exchange`."""
        self.clear_swap()
        top = os.path.join(self.root, SWAP)
        for folder in (top, os.path.join(top, NEW), os.path.join(top, OLD)):
            os.mkdir(folder, mode=0o700)
        write_files(os.path.join(top, NEW), files, paths)
        if self.can_go_back:
            write_files(os.path.join(top, OLD), self.bundle_files(self.current, paths), paths)

    def exchange(self, kind, paths):
        """Give `paths` their content of this kind, NEW or OLD, and remove those that have none.

        Everything needed was written by make_ready, so that this also works on a disk that has become full.
        """
        source = os.path.join(self.root, SWAP, kind)
        for path in paths:
            if os.path.lexists(os.path.join(source, path)):
                _make_folders(self.root, os.path.dirname(path))
                _files.move(os.path.join(source, path), os.path.join(self.root, path))
            else:
                remove_files(self.root, [path])

    @property
    def can_go_back(self):
        """Whether all files of the current release are still kept."""
        entries = self.record.get("files", [])
        return bool(entries) and all(
            os.path.isfile(os.path.join(self.folder(self.current), entry["path"])) for entry in entries
        )

    def clear_swap(self):
        """Remove what make_ready laid out."""
        top = os.path.join(self.root, SWAP)
        if os.path.lexists(top):
            shutil.rmtree(top)

    def clear_unfinished(self):
        """Remove staged releases that did not come into use."""
        for number in self.unfinished():
            self.forget(number)

    def forget(self, number):
        """Remove a release; its record first, so that one of which only a part is left is known by that."""
        _files.remove([os.path.join(self.folder(number), RECORD)])
        shutil.rmtree(self.folder(number))

    def begin(self, actions):
        """Note what is about to be done to services, as {service: [action, why]}.

        A container that is to take a file that was put right looks as if it had it: nothing but this note tells the next run.
        """
        if actions != self.state.get("begun", {}):
            self.state = dict(self.state, begun=actions)
            _files.write_json(os.path.join(self.root, STATE), self.state)

    def commit(self, number, record, loaded, keep):
        """Make a release the current one and forget all but the newest `keep`."""
        _files.write_json(os.path.join(self.folder(number), RECORD), record)
        self.note(number, loaded)
        for old in self.numbers()[: -max(keep, 1)]:
            self.forget(old)
        self.record = record

    def amend(self, **entries):
        """Put entries into the record of the current release."""
        self.record = dict(self.record, **entries)
        _files.write_json(os.path.join(self.folder(self.current), RECORD), self.record)

    def note(self, number, loaded):
        """Write the state: the current release and what reloading services have read."""
        self.current = number
        self.state = {"current": number, "loaded": loaded}
        _files.write_json(os.path.join(self.root, STATE), self.state)

    def bundle_files(self, number, paths=None):
        """The files of a kept release in the form of a bundle's files, to be written again; `paths`: only these."""
        files = []
        for entry in self.read(number)["files"]:
            if paths is not None and entry["path"] not in paths:
                continue
            with open(os.path.join(self.folder(number), entry["path"]), "rb") as handle:
                files.append(dict(entry, content=base64.b64encode(handle.read()).decode()))
        return files


def write_files(folder, files, only=None):
    """Write a bundle's files below a folder; `only`: the paths to write (default all)."""
    for entry in files:
        if only is not None and entry["path"] not in only:
            continue
        path = os.path.join(folder, entry["path"])
        _make_folders(folder, os.path.dirname(entry["path"]))
        _files.write(path, base64.b64decode(entry["content"]), entry["mode"], entry["uid"], entry["gid"])


def _make_folders(top, relative):
    """Make folders below `top` that a container's user can enter, whatever root's umask is; `top` itself keeps others out."""
    path = top
    for part in relative.split("/") if relative else []:
        path = os.path.join(path, part)
        if not os.path.isdir(path):
            os.mkdir(path)
        if os.stat(path).st_mode & 0o777 != 0o755:
            os.chmod(path, 0o755)  # noqa: S103 - the folder above it is 0700


def remove_files(folder, paths):
    """Remove files below a folder, and the folders that this leaves empty."""
    for path in paths:
        full = os.path.join(folder, path)
        if os.path.lexists(full):
            os.unlink(full)
        parent = os.path.dirname(full)
        while parent != folder and not (os.path.isdir(parent) and os.listdir(parent)):
            if os.path.isdir(parent):
                os.rmdir(parent)
            parent = os.path.dirname(parent)


def manifest(files):
    """A bundle's files without their content, for the record."""
    return [{key: value for key, value in entry.items() if key != "content"} for entry in files]
