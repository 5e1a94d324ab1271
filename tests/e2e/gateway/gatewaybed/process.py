# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A child process that logs to a file and is always ended."""

import contextlib
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

START_SECONDS = 30
STOP_SECONDS = 45


class Process:
    """Starts a command; `ready` is asked until it is true."""

    def __init__(self, command: list[str], log: Path, environment: dict[str, str], ready: Callable[[], bool]) -> None:
        self.log = log
        with log.open("ab") as output:
            self.child = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment, start_new_session=True
            )
        try:
            self._await(ready, command[0])
        except BaseException:
            self.kill()
            raise

    def _await(self, ready: Callable[[], bool], name: str) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not ready():
            if self.child.poll() is not None or time.monotonic() > deadline:
                tail = self.log.read_text(errors="replace")[-2000:]
                raise AssertionError(f"{name} is not ready (status {self.child.poll()}): {tail}")
            time.sleep(0.05)

    def stop(self) -> int:
        """Ask it to end, and wait. Returns its status."""
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGTERM)
            try:
                self.child.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()
                raise
        return self.child.returncode

    def kill(self) -> None:
        """End it without asking."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.child.pid, signal.SIGKILL)
        self.child.wait()


def answers(url: str) -> bool:
    """Whether anything at all answers there over HTTP."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        opener.open(url, timeout=2).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


def bare_environment(**more: str) -> dict[str, str]:
    """What a program needs of this process's environment, and what is given; no proxy, no credentials of the machine."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    return {**kept, **more}
