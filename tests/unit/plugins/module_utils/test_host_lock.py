# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest

from ansible_collections.selfhost.aistack.plugins.module_utils import _host_lock
from ansible_collections.selfhost.aistack.plugins.module_utils._host_lock import LockTimeout, host_lock

# A process that takes the lock, says so, and keeps it until its input ends.
HOLD = "import sys; sys.path.insert(0, sys.argv[1]); import _host_lock\n"
HOLD += "with _host_lock.host_lock(sys.argv[2], 5): print('held', flush=True); sys.stdin.read()"


@pytest.fixture
def name():
    return f"test-{os.getpid()}"


@pytest.fixture
def holder(name):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, os.path.dirname(_host_lock.__file__), name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout.readline() == b"held\n"
    yield process
    process.kill()
    process.communicate()


def test_a_free_lock_is_taken_again_and_again(name):
    for _round in range(3):
        with host_lock(name, 1):
            pass


def test_patience_ends(holder, name):
    with pytest.raises(LockTimeout, match=f"'{name}' of this host was not free within 0 seconds"), host_lock(name, 0):
        pass


def test_a_killed_holder_frees_the_lock_for_who_waits(holder, name):
    threading.Timer(0.2, holder.kill).start()
    with host_lock(name, 10):
        assert holder.wait() == -9


def test_two_names_do_not_wait_for_each_other(holder, name):
    with host_lock(name + "-other", 0):
        pass


def test_many_at_once_go_one_by_one(name):
    inside, worst = [], []

    def work():
        with host_lock(name, 30):
            inside.append(1)
            worst.append(len(inside))
            inside.pop()

    threads = [threading.Thread(target=work) for _number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert worst == [1] * 20
