# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ssh key with which the bed's hosts are reached, and what is known about their host keys."""

from __future__ import annotations

import shutil
from pathlib import Path

from . import packages
from .paths import STATE
from .shell import alone, output

KEY = STATE / "ssh" / "id_ed25519"
KNOWN_HOSTS = STATE / "ssh" / "known_hosts"


def ensure() -> Path:
    """Have the key pair of this checkout and return the private key's path."""
    with alone("keys"):
        if not KEY.exists():
            _make(KEY, "aistack-bed")
    return KEY


def host_key(name: str) -> Path:
    """Have the host key of a host and return its path; it stays the same when the host is made anew."""
    path = STATE / "ssh" / f"host_{name}"
    with alone("keys"):
        if not path.exists():
            _make(path, name)
    return path


def remember(names: list[str], public_key: str) -> None:
    """Write down a host's public key in place of what was known about any of its names and addresses."""
    KNOWN_HOSTS.parent.mkdir(parents=True, exist_ok=True)
    with alone("keys"):
        old = KNOWN_HOSTS.read_text().splitlines() if KNOWN_HOSTS.exists() else []
        line = f"{','.join(names)} {' '.join(public_key.split()[:2])}"
        if line in old:
            return
        kept = [entry for entry in old if not set(names) & set(entry.split()[0].split(","))]
        unfinished = KNOWN_HOSTS.with_suffix(".part")
        unfinished.write_text("\n".join([*kept, line]) + "\n")
        unfinished.rename(KNOWN_HOSTS)


def _make(path: Path, comment: str) -> None:
    """Make one key pair without a passphrase."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not shutil.which("ssh-keygen"):
        # Ansible needs the client too.
        packages.install("keys", "openssh-client")
    output(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(path)])
