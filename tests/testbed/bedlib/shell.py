# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Running programs: captured, or logged to a file with a sign of life every ten seconds."""

from __future__ import annotations

import contextlib
import fcntl
import os
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from .paths import CACHE, LOGS
from .say import BedError, say

_SIGN_OF_LIFE_S = 10.0


def output(command: Sequence[str], *, stdin: bytes | None = None, timeout: float | None = None) -> str:
    """Run a short command and return its standard output; a failure is a BedError with its last words."""
    done = subprocess.run(list(command), input=stdin, capture_output=True, timeout=timeout, check=False)
    if done.returncode != 0:
        words = (done.stderr or done.stdout).decode(errors="replace").strip().splitlines()
        raise BedError(f"'{' '.join(command[:4])}' ended with {done.returncode}: {words[-1] if words else 'no output'}")
    return done.stdout.decode(errors="replace").strip()


def works(command: Sequence[str], *, timeout: float = 30) -> bool:
    """Run a short command and tell whether it succeeded."""
    try:
        return subprocess.run(list(command), capture_output=True, timeout=timeout, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def logged(
    name: str,
    command: Sequence[str],
    *,
    stdin: IO[bytes] | int = subprocess.DEVNULL,
    stdout: IO[bytes] | None = None,
    environment: dict[str, str] | None = None,
) -> None:
    """Run a long command into the log file of that name, with a line of progress every ten seconds.

    stdout, when given, receives standard output, and only standard error is logged.
    """
    LOGS.mkdir(parents=True, exist_ok=True)
    path = LOGS / f"{name}.log"
    with path.open("wb") as log:
        process = subprocess.Popen(
            list(command),
            stdin=stdin,
            stdout=stdout or log,
            stderr=log if stdout else subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
        )
        begin = time.monotonic()
        while True:
            try:
                code = process.wait(_SIGN_OF_LIFE_S)
                break
            except subprocess.TimeoutExpired:
                say(f"{name}: {time.monotonic() - begin:.0f} s: {_last_line(path)}")
            except BaseException:
                process.terminate()
                raise
    if code != 0:
        tail = "\n    ".join(path.read_text(errors="replace").splitlines()[-15:])
        raise BedError(f"{name} failed with exit code {code}; its last lines (all of it is in {path}):\n    {tail}")


def _last_line(path: Path) -> str:
    """Return the last line that a program wrote, short enough for one line of a terminal."""
    with path.open("rb") as log:
        log.seek(max(0, path.stat().st_size - 2000))
        lines = [line for line in log.read().decode(errors="replace").replace("\r", "\n").splitlines() if line.strip()]
    return lines[-1].strip()[:110] if lines else "no output yet"


@contextlib.contextmanager
def alone(subject: str) -> Iterator[None]:
    """Let one bed at a time work on a subject, over all processes that share the cache folder."""
    folder = CACHE / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / subject).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"{subject}: waiting for another bed that works on it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
