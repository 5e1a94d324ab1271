# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One holder at a time on one host, across processes and users.

Private to the collection. Linux only: the lock is an abstract socket name, which belongs to no file system, needs no
directory that all users may write to, and is freed by the kernel when its holder ends in whatever way.
"""

from __future__ import annotations

import errno
import socket
import time
from contextlib import contextmanager

PREFIX = "\0selfhost.aistack/"


class LockTimeout(Exception):
    """Somebody else kept the lock for longer than the caller had patience."""


@contextmanager
def host_lock(name, patience):
    """Hold the lock while the body of the ``with`` statement runs.

    :param name: what is locked, up to 80 ASCII characters.
    :param patience: seconds to wait for the present holder.
    :raises LockTimeout: if the lock did not become free in time.
    """
    deadline = time.monotonic() + patience
    holder = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        while not _bind(holder, name):
            if time.monotonic() >= deadline:
                raise LockTimeout("the lock '%s' of this host was not free within %d seconds" % (name, patience))
            _await_release(name, deadline)
        holder.listen(128)
        yield
    finally:
        holder.close()


def _bind(holder, name):
    try:
        holder.bind(PREFIX + name)
    except OSError as problem:
        if problem.errno != errno.EADDRINUSE:
            raise
        return False
    return True


def _await_release(name, deadline):
    """Return when the holder closes its socket, or at the deadline."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as waiter:
        waiter.settimeout(max(0.01, deadline - time.monotonic()))
        try:
            waiter.connect(PREFIX + name)
            waiter.recv(1)
        except ConnectionResetError:
            return
        except OSError:
            # Not listening yet, just gone, or too many waiters: look again a moment later.
            time.sleep(0.01)
