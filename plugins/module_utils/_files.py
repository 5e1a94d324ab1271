# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that are whole or not there: compare, write, read JSON.

Private to the collection.
"""

from __future__ import annotations

import fcntl
import glob
import hashlib
import json
import os
import stat
import tempfile

# What a file is called until it is whole. Whoever writes it holds a lock on it, which ends with the process.
NEW_PREFIX = ".aistack-new-"


def look(path):
    """{digest, mode, uid, gid} of a regular file, None where there is nothing, and a digest of None for anything else."""
    try:
        info = os.lstat(path)
    except FileNotFoundError:
        return None
    except NotADirectoryError:
        return None
    found = {"digest": None, "mode": stat.S_IMODE(info.st_mode), "uid": info.st_uid, "gid": info.st_gid}
    if stat.S_ISREG(info.st_mode):
        with open(path, "rb") as handle:
            found["digest"] = hashlib.sha256(handle.read()).hexdigest()
    return found


def write(path, data, mode=0o644, uid=0, gid=0, last_look=None):
    """Write bytes so that a reader sees the old file or the new one, even over a power cut; never readable by more than `mode`.

    last_look: called when the new file is whole and about to take the place of the old one, which stays if this raises.
    """
    folder = os.path.dirname(path)
    handle, temporary = tempfile.mkstemp(prefix=NEW_PREFIX, dir=folder)
    try:
        with os.fdopen(handle, "wb") as out:
            fcntl.flock(out.fileno(), fcntl.LOCK_EX)
            out.write(data)
            os.fchown(out.fileno(), uid, gid)
            os.fchmod(out.fileno(), mode)
            out.flush()
            os.fsync(out.fileno())
            if last_look:
                last_look()
            os.replace(temporary, path)
    except BaseException as exc:
        if os.path.exists(temporary):
            os.unlink(temporary)
        if isinstance(exc, OSError):
            # A write that fails does not say of itself which file it was.
            exc.filename = path
        raise
    sync_folder(folder)


def half_written(folder):
    """Paths in a folder that a `write` left which was cut off, sorted."""
    pattern = os.path.join(glob.escape(folder), NEW_PREFIX + "*")
    return sorted(path for path in glob.glob(pattern) if is_free(path))


def is_free(path):
    """Whether there is a file and no process has it locked."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return True
    except BlockingIOError:
        return False
    finally:
        os.close(handle)


def remove(paths):
    """Remove files, whether they are still there or not."""
    for path in paths:
        if os.path.lexists(path):
            os.unlink(path)


def move(source, target):
    """Put a file in the place of another on the same file system, in one step that lasts over a power cut."""
    if os.path.isdir(target) and not os.path.islink(target):
        # The engine makes an empty folder where a file that it is to mount is missing.
        os.rmdir(target)
    os.replace(source, target)
    sync_folder(os.path.dirname(target))


def sync_folder(folder):
    """Make renames in a folder last over a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read_text(path):
    """The content of a text file, None where it is missing."""
    try:
        with open(path, encoding="utf-8") as handle:
            return handle.read()
    except FileNotFoundError:
        return None


def read_json(path, default=None):
    """The content of a JSON file, or `default` where it is missing. A garbled one raises ValueError with its path."""
    try:
        with open(path, encoding="utf-8") as handle:
            return json.load(handle)
    except FileNotFoundError:
        return default
    except ValueError as exc:
        raise ValueError(f"{path} is not JSON ({exc})") from exc


def write_json(path, value):
    """Write a JSON file for root alone (0600), whole or not at all."""
    write(path, (json.dumps(value, indent=1, sort_keys=True) + "\n").encode(), 0o600)
