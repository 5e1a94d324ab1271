# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The test host of the bench: how it is reached, and what is asked of it beside what is measured."""

from __future__ import annotations

import contextlib
import shlex
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml
from steps import StepFailed, Steps
from test_host import BED, prepare

from .place import BENCH

# Long enough for a few rounds of health checks.
_IDLE_S = 30
_PROBE = "/run/aistack-bench-probe.py"


@dataclass(frozen=True)
class Host:
    """A host of the test bed. What is asked here goes through the bed's engine and never through the host's sshd."""

    name: str
    address: str
    inventory: Path
    variables: dict
    ssh_key: Path
    known_hosts: Path

    def run(self, script: str) -> str:
        """Run a shell script as root and return what it prints."""
        done = subprocess.run(self._inside("sh", "-c", script), stdout=subprocess.PIPE, text=True, check=False)
        if done.returncode:
            raise StepFailed(f"On {self.name} '{script}' ended with {done.returncode}: {done.stdout[-2000:]}")
        return done.stdout

    def cpu_s(self) -> float:
        """Processor seconds that managing the host has cost so far (see probe.py)."""
        return float(self.run(f"python3 {_PROBE} cpu"))

    def idle_cpu_rate(self) -> float:
        """Processor seconds a second that managing costs while nobody does anything: mostly the containers' health checks."""
        began, before = time.monotonic(), self.cpu_s()
        time.sleep(_IDLE_S)
        return (self.cpu_s() - before) / (time.monotonic() - began)

    @contextlib.contextmanager
    def peak(self) -> Iterator[list[int]]:
        """Watch the memory of what runs below the host's sshd; the list holds the most there was, afterwards."""
        found: list[int] = []
        sampler = subprocess.Popen(
            self._inside("python3", _PROBE, "peak"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        try:
            yield found
        finally:
            found.append(int(sampler.communicate(input="")[0]))

    def containers(self) -> list[str]:
        """The ids of all containers that run."""
        return sorted(self.run("docker ps --quiet --no-trunc").split())

    def ssh(self, command: str) -> list[str]:
        """One ssh call as a person would type it, over a connection that is kept, as Ansible's is."""
        options = [f"UserKnownHostsFile={self.known_hosts}", "ControlMaster=auto", "ControlPersist=300s"]
        options.append("ControlPath=~/.ansible/cp/bench-%C")
        return ["ssh", "-i", str(self.ssh_key), *(part for option in options for part in ("-o", option))] + [
            f"root@{self.address}",
            command,
        ]

    def place_probe(self) -> None:
        """Have the probe on the host."""
        text = (BENCH / "benchlib" / "probe.py").read_text(encoding="utf-8")
        self.run(f"printf %s {shlex.quote(text)} > {_PROBE}")

    def _inside(self, *command: str) -> list[str]:
        return [BED, "run", self.name, *command]


def have(steps: Steps, name: str) -> Host:
    """Have the images, the host and its inventory."""
    inventory = prepare(steps, name)
    document = yaml.safe_load((inventory / "hosts.yml").read_text(encoding="utf-8"))["all"]
    reached = document["hosts"][name]
    arguments = shlex.split(reached["ansible_ssh_common_args"])
    known_hosts = next(part.partition("=")[2] for part in arguments if part.startswith("UserKnownHostsFile="))
    host = Host(
        name=name,
        address=reached["ansible_host"],
        inventory=inventory,
        variables=document["vars"],
        ssh_key=Path(reached["ansible_ssh_private_key_file"]),
        known_hosts=Path(known_hosts),
    )
    host.place_probe()
    return host


def remove(steps: Steps, name: str) -> None:
    """Remove the host and what it holds."""
    steps.run("remove the host", [BED, "down", name], limit_s=120)
