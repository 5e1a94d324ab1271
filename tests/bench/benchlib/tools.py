# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tools that the collection is compared with: fetched once, each into a place of its own below .cache/bench."""

from __future__ import annotations

import shutil
import sys
import tempfile
import zipfile
from pathlib import Path

from steps import StepFailed, Steps

from .place import BENCH, CACHE

#: Where Ansible finds the collections of the usual way.
COLLECTIONS = CACHE / "collections"
#: The command of pyinfra.
PYINFRA = CACHE / "pyinfra" / "bin" / "pyinfra"

_REQUIREMENTS = BENCH / "requirements.txt"
_WANTED = ("community/docker", "community/library_inventory_filtering_v1")


def ensure(steps: Steps) -> None:
    """Have both tools in the releases that requirements.txt names."""
    CACHE.mkdir(parents=True, exist_ok=True)
    releases = requirements()
    _once("collections", releases["ansible"], lambda: _collections(steps, releases["ansible"]))
    _once("pyinfra", releases["pyinfra"], lambda: _pyinfra(steps, releases["pyinfra"]))


def requirements() -> dict[str, str]:
    """Return name -> release of the packages in requirements.txt."""
    lines = _REQUIREMENTS.read_text(encoding="utf-8").splitlines()
    return dict(line.split("==") for line in lines if "==" in line and not line.startswith("#"))


def _once(name: str, release: str, make) -> None:
    """Make a folder of the cache unless it holds this release already."""
    stamp = CACHE / f"{name}.release"
    if stamp.exists() and stamp.read_text(encoding="utf-8") == release and (CACHE / name).is_dir():
        return
    stamp.unlink(missing_ok=True)
    shutil.rmtree(CACHE / name, ignore_errors=True)
    make()
    stamp.write_text(release, encoding="utf-8")


def _collections(steps: Steps, release: str) -> None:
    """Unpack the collections that the usual way uses out of the package `ansible`; the rest of it is not kept."""
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet", "--no-deps"]
        steps.run("fetch community.docker", [*pip, "--dest", folder, f"ansible=={release}"], limit_s=900)
        wheels = list(Path(folder).glob("*.whl"))
        if len(wheels) != 1:
            raise StepFailed(f"The package ansible {release} has no wheel; see .cache/logs/fetch-community.docker.log")
        with zipfile.ZipFile(wheels[0]) as wheel:
            beginnings = tuple(f"ansible_collections/{name}/" for name in _WANTED)
            wheel.extractall(COLLECTIONS, [name for name in wheel.namelist() if name.startswith(beginnings)])


def _pyinfra(steps: Steps, release: str) -> None:
    """Make a Python environment with pyinfra."""
    place = CACHE / "pyinfra"
    steps.run("environment of pyinfra", [sys.executable, "-m", "venv", str(place)], limit_s=300)
    pip = [str(place / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    steps.run("install pyinfra", [*pip, f"pyinfra=={release}"], limit_s=900)
