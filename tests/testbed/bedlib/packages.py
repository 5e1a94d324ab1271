# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Packages of the distribution that the bed itself needs on this machine."""

from __future__ import annotations

import os
import shutil

from .say import BedError, step
from .shell import logged, works

_APT = ("apt-get", "-o", "DPkg::Lock::Timeout=300")
_QUIET = {"DEBIAN_FRONTEND": "noninteractive"}


def exists(name: str) -> bool:
    """Tell whether the distribution has a package; asked of a fresh list where root can have one."""
    if os.geteuid() == 0 and shutil.which("apt-get"):
        logged("packages-update", [*_APT, "update"], environment=_QUIET)
    return works(["apt-cache", "show", name])


def install(subject: str, *names: str) -> None:
    """Install packages, or say in one sentence which ones the user has to install."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise BedError(f"{subject}: the packages {', '.join(names)} are needed; install them and try again.")
    with step(f"{subject}: installing {', '.join(names)}"):
        logged("packages-update", [*_APT, "update"], environment=_QUIET)
        logged("packages-install", [*_APT, "install", "-y", "--no-install-recommends", *names], environment=_QUIET)
