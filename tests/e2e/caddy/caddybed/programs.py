# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the programs come from that these tests run."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[4]


@functools.cache
def program(name: str) -> str:
    """The path of caddy or garage: AISTACK_<NAME>, PATH, or the test bed's cache."""
    given = os.environ.get(f"AISTACK_{name.upper()}") or shutil.which(name)
    if given:
        return given
    sys.path.insert(0, str(REPOSITORY / "tests" / "testbed"))
    from bedlib import binaries

    return str(binaries.ensure(getattr(binaries, name.upper())))


@functools.cache
def pebble() -> str:
    """The path of Debian's pebble, an ACME server for tests; fetched as a package and unpacked, not installed."""
    found = shutil.which("pebble")
    if found:
        return found
    cache = Path(os.environ.get("AISTACK_CACHE") or Path.home() / ".cache" / "selfhost-aistack")
    folder = cache / "e2e" / "pebble"
    path = folder / "usr/bin/pebble"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(["apt-get", "download", "pebble"], cwd=folder, check=True, capture_output=True)
        packages = sorted(folder.glob("pebble_*.deb"))
        subprocess.run(["dpkg-deb", "--extract", str(packages[-1]), str(folder)], check=True, capture_output=True)
    return str(path)
