# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs commands one after the other or beside each other, keeps a log of each, and tells how long each took."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

REPOSITORY = Path(__file__).resolve().parent.parent
LOGS = REPOSITORY / ".cache" / "logs"
_TAIL_LINES = 60


class StepFailed(Exception):
    """A step did not succeed; the text names the step, what happened and its log."""


class Step:
    """One command that runs, with its output in .cache/logs/NAME.log and, if shown, on standard error too."""

    def __init__(self, name: str, command: Sequence[str], *, limit_s: float, shown: bool, env: dict[str, str]) -> None:
        """Start the command in the repository root. It is ended when it takes longer than limit_s seconds."""
        LOGS.mkdir(parents=True, exist_ok=True)
        self.name = name
        self.log = LOGS / f"{name.replace(' ', '-')}.log"
        self._shown = shown
        self._begin = time.monotonic()
        self._late = False
        self._process = subprocess.Popen(
            list(command),
            cwd=REPOSITORY,
            env={**os.environ, **env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._copy, daemon=True)
        self._reader.start()
        self._limit_s = limit_s
        self._timer = threading.Timer(limit_s, self._too_late)
        self._timer.daemon = True
        self._timer.start()

    def wait(self) -> float:
        """Wait for the end and return the seconds it took; raise StepFailed if it did not succeed."""
        code = self._process.wait()
        # What the command left running may hold its output open: the log is complete enough when the command ended.
        self._reader.join(timeout=5)
        self._timer.cancel()
        seconds = time.monotonic() - self._begin
        if self._late:
            raise StepFailed(
                f"'{self.name}' was ended because it took longer than {self._limit_s:.0f} s; log: {self.log}"
            )
        if code:
            raise StepFailed(f"'{self.name}' failed with exit status {code} after {seconds:.1f} s; log: {self.log}")
        return seconds

    def end(self) -> None:
        """End the command and everything it started in its session, if it still runs."""
        self._timer.cancel()
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGTERM)
            try:
                self._process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()

    def tail(self) -> str:
        """Return the last lines of the log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-_TAIL_LINES:])

    @property
    def shown(self) -> bool:
        """Tell whether the output was already seen."""
        return self._shown

    def _too_late(self) -> None:
        self._late = True
        self.end()

    def _copy(self) -> None:
        source: BinaryIO = self._process.stdout  # type: ignore[assignment]
        with self.log.open("wb") as log:
            for line in iter(source.readline, b""):
                log.write(line)
                log.flush()
                if self._shown:
                    sys.stderr.buffer.write(b"    " + line)
                    sys.stderr.buffer.flush()


class Steps:
    """A row of steps and the table of their times."""

    def __init__(self) -> None:
        """Start an empty row. The Python environment is its first step if make said when it started."""
        self._times: list[tuple[str, float]] = []
        self._begin = time.monotonic()
        if started := os.environ.pop("STARTED", ""):
            self._record("Python environment", time.time() - float(started))
            self._begin -= self._times[0][1]
        self._running: list[Step] = []

    def start(
        self,
        name: str,
        command: Sequence[str],
        *,
        limit_s: float,
        shown: bool = False,
        env: dict[str, str] | None = None,
    ) -> Step:
        """Start a step beside the others. Wait for it with finish."""
        say(f"{name} ...")
        step = Step(name, command, limit_s=limit_s, shown=shown, env=env or {})
        self._running.append(step)
        return step

    def finish(self, step: Step) -> None:
        """Wait for a step. If it failed, show the end of its log, end all others and raise StepFailed."""
        try:
            self._record(step.name, step.wait())
        except StepFailed:
            if not step.shown:
                sys.stderr.write(step.tail() + "\n")
            self.end()
            raise
        self._running.remove(step)

    def run(
        self,
        name: str,
        command: Sequence[str],
        *,
        limit_s: float,
        shown: bool = False,
        env: dict[str, str] | None = None,
    ) -> None:
        """Start a step and wait for it."""
        self.finish(self.start(name, command, limit_s=limit_s, shown=shown, env=env))

    @contextlib.contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Take the time of what is done inside, without a command."""
        say(f"{name} ...")
        begin = time.monotonic()
        yield
        self._record(name, time.monotonic() - begin)

    def end(self) -> None:
        """End every step that still runs."""
        for step in self._running:
            step.end()
        self._running.clear()

    def table(self) -> str:
        """Return the steps and their times, one a line."""
        rows = [*self._times, ("total", time.monotonic() - self._begin)]
        width = max(len(name) for name, _seconds in rows)
        return "\n".join(f"  {name:<{width}}  {seconds:8.1f} s" for name, seconds in rows)

    def _record(self, name: str, seconds: float) -> None:
        self._times.append((name, seconds))
        say(f"{name}: {seconds:.1f} s")


def say(text: str) -> None:
    """Print one line for the person who watches."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
