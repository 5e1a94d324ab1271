# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the programs come from that these tests run."""

from __future__ import annotations

import functools
import lzma
import os
import shutil
import subprocess
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[4]
CACHE = Path(os.environ.get("AISTACK_CACHE") or Path.home() / ".cache" / "selfhost-aistack") / "e2e"
READY = REPOSITORY.parent / "shared" / "images"


@functools.cache
def program(name: str) -> str:
    """The path of caddy or garage: AISTACK_<NAME>, PATH, or a ready compressed binary beside the repository."""
    given = os.environ.get(f"AISTACK_{name.upper()}") or shutil.which(name)
    if given:
        return given
    for packed in sorted(READY.glob(f"{name}-*-linux-amd64.xz"), reverse=True):
        path = CACHE / packed.stem
        if not path.exists():
            CACHE.mkdir(parents=True, exist_ok=True)
            unfinished = path.with_suffix(f".{os.getpid()}")
            unfinished.write_bytes(lzma.decompress(packed.read_bytes()))
            unfinished.chmod(0o755)
            unfinished.rename(path)
        return str(path)
    raise AssertionError(f"There is no {name} to test with: put it on PATH or set AISTACK_{name.upper()} to its path.")


@functools.cache
def pebble() -> str:
    """The path of Debian's pebble, an ACME server for tests; fetched as a package and unpacked, not installed."""
    found = shutil.which("pebble")
    if found:
        return found
    folder = CACHE / "pebble"
    path = folder / "usr/bin/pebble"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(["apt-get", "download", "pebble"], cwd=folder, check=True, capture_output=True)
        packages = sorted(folder.glob("pebble_*.deb"))
        subprocess.run(["dpkg-deb", "--extract", str(packages[-1]), str(folder)], check=True, capture_output=True)
    return str(path)
