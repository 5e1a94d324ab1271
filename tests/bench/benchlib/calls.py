# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One command from start to end: its wall time, its processor seconds and memory, and what Ansible did in it."""

from __future__ import annotations

import contextlib
import json
import os
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from site_access import ansible_playbook, playbook_command
from steps import LOGS, StepFailed, say

from . import probe
from .host import Host
from .place import BENCH, CACHE, OWN_COLLECTIONS, REPOSITORY

_LIMIT_S = 3600


@dataclass(frozen=True)
class Call:
    """What one command cost. cpu_s: on this machine, the command and all it started and waited for. peak_bytes: the most
    memory that these had together, where it was sampled. tally: what the callback wrote, of Ansible alone."""

    wall_s: float
    cpu_s: float
    peak_bytes: int
    tally: dict | None

    @property
    def remote_tasks(self) -> int:
        """Tasks that went to a host, one for each loop item."""
        return len(self.tally["remote_tasks"])


def call(name: str, command: Sequence[str], env: dict[str, str] | None = None, *, sampled: bool = False) -> Call:
    """Run a command in the repository root with its output in .cache/logs; a failure is a StepFailed.

    Sampling its memory takes processor time, so it is no part of a call whose time counts.
    """
    LOGS.mkdir(parents=True, exist_ok=True)
    log = LOGS / f"bench-{name.replace(' ', '-').replace(',', '')}.log"
    with tempfile.NamedTemporaryFile() as tally, log.open("wb") as output:
        began = time.monotonic()
        process = subprocess.Popen(
            list(command),
            cwd=REPOSITORY,
            env={**os.environ, "AISTACK_TALLY": tally.name, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        late = threading.Timer(_LIMIT_S, process.kill)
        late.start()
        peak = probe.Peak(lambda known: probe.below(known, [process.pid])) if sampled else None
        _pid, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - began
        late.cancel()
        most = peak.end() if peak else 0
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise StepFailed(f"'{name}' ended with {process.returncode} after {wall:.1f} s; log: {log}")
        written = Path(tally.name).read_text(encoding="utf-8")
    done = Call(wall, usage.ru_utime + usage.ru_stime, most, json.loads(written) if written else None)
    tasks = f", {done.remote_tasks} remote tasks, {done.tally['changed']} changed" if done.tally else ""
    say(f"{name}: {done.wall_s:.2f} s{tasks}")
    return done


@dataclass(frozen=True)
class Contender:
    """Something that is measured: its name in messages, its command, and the environment that this runs in."""

    name: str
    command: list[str]
    env: dict[str, str]

    def call(self, note: str) -> Call:
        """Run it once."""
        return call(f"{self.name}, {note}", self.command, self.env)

    def peaks(self, host: Host) -> dict[str, float]:
        """Run it once more while its memory is sampled here and on the host."""
        with host.peak() as on_host:
            here = call(f"{self.name}, memory", self.command, self.env, sampled=True)
        return {"controller_peak_mib": mib(here.peak_bytes), "host_peak_mib": mib(on_host[0])}


def site(host: Host, *extra: str) -> Contender:
    """The collection's own playbook."""
    return Contender("collection", playbook_command(host.inventory, "site", *extra), ansible_env())


def play(name: str, host: Host, playbook: Path, *extra: str, collections: Path = OWN_COLLECTIONS) -> Contender:
    """A playbook of the bench on the host."""
    command = ansible_playbook(host.inventory / "hosts.yml", str(playbook), *extra)
    return Contender(name, command, ansible_env(collections))


def ansible_env(collections: Path = OWN_COLLECTIONS) -> dict[str, str]:
    """The environment of a counted ansible-playbook; everything else comes from the ansible.cfg of this repository."""
    return {
        "ANSIBLE_CALLBACK_PLUGINS": str(BENCH / "callback"),
        "ANSIBLE_CALLBACKS_ENABLED": "tally",
        "ANSIBLE_COLLECTIONS_PATH": str(collections),
    }


@contextlib.contextmanager
def extra_vars(values: dict):
    """A private file of variables as the two words of a command line, gone afterwards."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=CACHE, suffix=".json", encoding="utf-8") as file:
        json.dump(values, file)
        file.flush()
        yield ["-e", f"@{file.name}"]


def median(values: Sequence[float], digits: int = 2) -> float:
    """The middle value, rounded."""
    return round(statistics.median(values), digits)


def mib(size: float) -> float:
    """Bytes as MiB."""
    return round(size / 1048576, 1)
