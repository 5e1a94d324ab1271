# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""On what the figures were taken, and how busy it was."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from pathlib import Path

from . import tools
from .host import Host


def describe(host: Host) -> dict[str, str]:
    """The machine and the releases of what is compared."""
    found = host.run(
        "docker version --format '{{.Server.Version}}'; docker compose version --short; "
        "/usr/bin/python3 --version | cut -d' ' -f2"
    )
    engine, compose, python = found.split()
    releases = tools.requirements()
    return {
        "processor": f"{os.cpu_count()} cores, {_processor()}",
        "memory_gib": str(round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)),
        "kernel": platform.release(),
        "controller": f"Python {platform.python_version()}, ansible-core {metadata.version('ansible-core')}",
        "host": f"a container with systemd on the same machine, Python {python}, engine {engine}, compose {compose}",
        "compared with": f"community.docker of ansible {releases['ansible']}, pyinfra {releases['pyinfra']}",
    }


def load() -> float:
    """Processes that ran or wanted to, averaged over the last minute."""
    return round(os.getloadavg()[0], 2)


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
