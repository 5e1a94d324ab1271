# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The first image: Debian 13, pulled where a registry of images can be reached, otherwise made by debootstrap.

debootstrap needs root, a user of the group docker is not: it therefore runs in a container that has nothing of its own
and borrows the machine's programs. debootstrap itself and Debian's keys are fetched as packages and unpacked, not
installed, so that nothing on the machine changes.
"""

from __future__ import annotations

import functools
import io
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

from . import packages
from .containers import job
from .engine import docker
from .paths import CACHE, LABEL
from .say import BedError, say, step
from .shell import alone, logged, output, works

SUITE = "trixie"
IMAGE = f"aistack-bed/debian:{SUITE}"
_OFFICIAL = "debian:trixie-slim"
_PROBE_S = 5.0

_SCRIPT = """
set -eu
export PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBOOTSTRAP_DIR=/tools/usr/share/debootstrap
sh /tools/usr/sbin/debootstrap --variant=minbase \\
  --keyring=/tools/usr/share/keyrings/debian-archive-keyring.gpg "$SUITE" /target >&2
rm -rf /target/var/cache/apt/archives/*.deb /target/var/lib/apt/lists/*
tar -C /target --numeric-owner -c .
"""


@functools.cache
def can_pull() -> bool:
    """Tell whether a registry of images can be reached; asked once a run, for five seconds at most."""
    if os.environ.get("AISTACK_BED_PULL") == "0":
        return False
    try:
        found = subprocess.run(
            [docker(), "manifest", "inspect", _OFFICIAL], capture_output=True, timeout=_PROBE_S, check=False
        )
        reachable = found.returncode == 0
    except subprocess.TimeoutExpired:
        reachable = False
    say("images: pulled where published" if reachable else "images: no registry in reach, they are built from packages")
    return reachable


def ensure() -> None:
    """Have the Debian image that everything else starts from."""
    if works([docker(), "image", "inspect", IMAGE]):
        return
    with alone("seed"):
        if works([docker(), "image", "inspect", IMAGE]):
            return
        if can_pull():
            with step(f"seed: pulling {_OFFICIAL}"):
                logged("seed-pull", [docker(), "pull", _OFFICIAL])
                output([docker(), "tag", _OFFICIAL, IMAGE])
            return
        tree = _tree()
        with step("seed: importing the Debian tree"), tree.open("rb") as stream:
            importing = [docker(), "import", "-c", f"LABEL {LABEL}", "-c", 'CMD ["/bin/bash"]', "-", IMAGE]
            logged("seed-import", importing, stdin=stream)


def _tree() -> Path:
    """Return the cached archive of a minimal Debian, made first if it is not there."""
    architecture = output(["dpkg", "--print-architecture"]) if shutil.which("dpkg") else ""
    tree = CACHE / "base" / f"debian-{SUITE}-{architecture}.tar"
    if tree.exists():
        return tree
    if not shutil.which("apt-get") or not architecture:
        raise BedError(
            "No registry of images can be reached and this is not a Debian or Ubuntu machine, so the first image cannot"
            " be made; give the machine access to a registry of images."
        )
    if not shutil.which("wget"):
        packages.install("seed", "wget")
    tools = _tools()
    empty = f"aistack-bed/empty:{SUITE}"
    output([docker(), "import", "-c", f"LABEL {LABEL}", "-", empty], stdin=_skeleton())
    mounts = [f"{tools}:/tools:ro"]
    mounts += [f"{p}:{p}:ro" for p in ("/usr", "/etc/alternatives", "/etc/ssl", "/etc/perl") if Path(p).exists()]
    mounts += [f"/{d}:/{d}:ro" for d in _ROOT_FOLDERS if Path("/", d).is_dir() and not Path("/", d).is_symlink()]
    arguments = ["--env", f"SUITE={SUITE}", "--cap-add", "SYS_ADMIN"]
    arguments += ["--security-opt", "apparmor=unconfined", "--security-opt", "seccomp=unconfined"]
    arguments += [part for mount in mounts for part in ("--volume", mount)]
    unfinished = tree.with_name(f"{tree.name}.part")
    with step(f"seed: debootstrap {SUITE}"), unfinished.open("wb") as stream:
        job("seed-debootstrap", [*arguments, empty, "/bin/sh", "-c", _SCRIPT], stream)
    unfinished.rename(tree)
    return tree


_ROOT_FOLDERS = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")


def _tools() -> Path:
    """Unpack debootstrap and Debian's keys into the cache and return the folder."""
    tools = CACHE / "base" / "tools"
    if not (tools / "usr/sbin/debootstrap").exists():
        tools.mkdir(parents=True, exist_ok=True)
        for package in ("debootstrap", "debian-archive-keyring"):
            subprocess.run(["apt-get", "download", package], cwd=tools, capture_output=True, check=False)
            files = sorted(tools.glob(f"{package}_*.deb"))
            if not files:
                raise BedError(f"'apt-get download {package}' failed; run 'apt-get update' as root and try again.")
            output(["dpkg-deb", "--extract", str(files[-1]), str(tools)])
        script = tools / "usr/share/debootstrap/scripts" / SUITE
        if not script.exists():
            script.symlink_to("sid")
    return tools


def _skeleton() -> bytes:
    """Return a tar archive of the root folder's links, such as bin to usr/bin, as this machine has them."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for name in _ROOT_FOLDERS:
            if Path("/", name).is_symlink():
                link = tarfile.TarInfo(name)
                link.type = tarfile.SYMTYPE
                link.linkname = os.readlink(f"/{name}")
                tar.addfile(link)
        for name, mode in (("target", 0o755), ("tmp", 0o1777), ("proc", 0o755), ("var", 0o755), ("var/tmp", 0o1777)):
            folder = tarfile.TarInfo(name)
            folder.type = tarfile.DIRTYPE
            folder.mode = mode
            tar.addfile(folder)
    return archive.getvalue()
