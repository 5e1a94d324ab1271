# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A full disk in words: which file system, how much of it is free, and what to do.

Private to the collection.
"""

from __future__ import annotations

import errno
import os
import re

# What the kernel says; the engine and compose pass it on within their own sentences.
_FULL = "no space left on device"
_PATH = re.compile(r"(/[^\s:]+):? " + _FULL)
_CURE = "free some space there (docker system df shows what images and containers take) and run again"


def lacking(path, least):
    """A sentence if the file system of `path` has less than `least` bytes free, otherwise None."""
    room = _room(path)
    if room.f_bavail * room.f_frsize >= least:
        return None
    return f"{_named(path)}, and a change needs at least {least // 2**20} MiB; {_CURE}."


def full(path):
    """The sentence for a file system that had no room for a file at `path`."""
    return f"{_named(path)}, and there was no room for {path}; {_CURE}."


def full_by(text, path):
    """The sentence for another program's message, None where it is not about a full disk.

    path: where that program writes, for messages that name no path.
    """
    if _FULL not in text.lower():
        return None
    named = _PATH.search(text)
    return full(named.group(1) if named else path)


def told(exc):
    """A sentence for an OSError that says which file it was."""
    path = exc.filename2 or exc.filename
    if exc.errno in (errno.ENOSPC, errno.EDQUOT):
        return full(path)
    if exc.errno == errno.EPERM:
        cure = "a file or folder that is immutable (lsattr shows it) refuses root too: chattr -i takes that away"
        return f"{path} cannot be written: {exc.strerror}; {cure}, then run again."
    return f"{path} cannot be written: {exc.strerror}; see to it on the host and run again."


def _there(path):
    """A path, or the nearest folder above it that exists."""
    path = os.path.abspath(path)
    while not os.path.lexists(path):
        path = os.path.dirname(path)
    return path


def _room(path):
    return os.statvfs(_there(path))


def _named(path):
    """The beginning of a sentence: the file system of a path and what is free on it."""
    top = _there(path)
    while not os.path.ismount(top):
        top = os.path.dirname(top)
    room = _room(path)
    free, size = (blocks * room.f_frsize / 2**20 for blocks in (room.f_bavail, room.f_blocks))
    files = f" and room for {room.f_favail} more files" if room.f_files else ""
    return f"The file system {top} has {free:.0f} of {size:.0f} MiB free{files}"
