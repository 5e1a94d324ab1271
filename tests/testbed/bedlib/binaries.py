# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Programs that Debian does not carry: taken ready from a cache with checksums, otherwise built from source, once."""

from __future__ import annotations

import hashlib
import lzma
import os
import platform
import shutil
from dataclasses import dataclass
from pathlib import Path

from . import build
from .containers import job
from .paths import CACHE, REPOSITORY
from .say import BedError, say, step
from .shell import alone

#: Where ready binaries lie, if anywhere: NAME-VERSION-linux-ARCH.xz beside a SHA256SUMS.
_READY = Path(os.environ.get("AISTACK_IMAGES") or REPOSITORY.parent / "shared" / "images")
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True)
class Binary:
    """A program: its name, its version, the shell lines that build it and leave it in /out/bin, and the image with the compilers."""

    name: str
    version: str
    recipe: str
    builder: str = "builder-go"


GARAGE = Binary(
    "garage",
    "2.5.0",
    # Less optimised than upstream's release: a third of the time to build, and no test measures Garage's own speed.
    "export CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 CARGO_PROFILE_RELEASE_STRIP=true;"
    " cargo install garage --version 2.5.0 --locked --root /out",
    "builder-rust",
)
CADDY = Binary(
    "caddy",
    "2.11.5",
    "export CGO_ENABLED=0 GOBIN=/out/bin; go install -trimpath -ldflags='-s -w' github.com/caddyserver/caddy/v2/cmd/caddy@v2.11.5",
)
_TOOLKIT_VERSION = "1.20.1"
#: NVIDIA's container toolkit: not one program but an archive of all that its packages install, besides the header of the library that a
#: double of the driver has to be. The flags of the linker are upstream's: functions of that library are looked up when they are called.
NVIDIA_TOOLKIT = Binary(
    "nvidia-container-toolkit",
    _TOOLKIT_VERSION,
    f"""
    module=github.com/NVIDIA/nvidia-container-toolkit version={_TOOLKIT_VERSION}
    export CGO_ENABLED=1 GOBIN=/out/toolkit/bin
    lazily='-Wl,--export-dynamic -Wl,--unresolved-symbols=ignore-in-object-files -Wl,-z,lazy'
    go install -trimpath -ldflags="-s -w '-extldflags=$lazily' -X $module/internal/info.version=$version" \\
      $module/cmd/nvidia-ctk@v$version $module/cmd/nvidia-cdi-hook@v$version \\
      $module/cmd/nvidia-container-runtime@v$version $module/cmd/nvidia-container-runtime-hook@v$version
    cd "$(go env GOMODCACHE)/github.com"/*/nvidia-container-toolkit@v$version
    cp -r packaging/debian deployments/systemd ../go-nvml@*/pkg/nvml/nvml.h /out/toolkit
    mkdir /out/bin
    tar -C /out/toolkit -cf /out/bin/nvidia-container-toolkit .
    """,
)


def ensure(binary: Binary) -> Path:
    """Have a program for this machine's architecture and return its path in the cache."""
    architecture = _ARCHITECTURES.get(platform.machine(), platform.machine())
    target = CACHE / "binaries" / f"{binary.name}-{binary.version}-linux-{architecture}"
    with alone(f"binary-{binary.name}"):
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            unfinished = target.with_name(f"{target.name}.part")
            if not _unpack(target.name, unfinished):
                _build(binary, unfinished)
            unfinished.chmod(0o755)
            unfinished.rename(target)
    return target


def _unpack(name: str, target: Path) -> bool:
    """Unpack a ready binary whose checksum is right; tell whether there was one."""
    packed = _READY / f"{name}.xz"
    if not packed.exists():
        return False
    sums = dict(reversed(line.split()) for line in (_READY / "SHA256SUMS").read_text().splitlines() if line.strip())
    found = hashlib.sha256(packed.read_bytes()).hexdigest()
    if sums.get(packed.name) != found:
        raise BedError(f"{packed} has the checksum {found} but SHA256SUMS beside it says otherwise; remove the file.")
    with lzma.open(packed) as source, target.open("wb") as copy:
        shutil.copyfileobj(source, copy)
    say(f"{name}: unpacked from {_READY}")
    return True


def _build(binary: Binary, target: Path) -> None:
    """Build a program in a container that has the compilers."""
    image = build.build(binary.builder, build.base())
    with step(f"{binary.name}: building {binary.version} from source"), target.open("wb") as stream:
        script = f"set -e; {{ {binary.recipe}\n}} >&2; cat /out/bin/{binary.name}"
        # Whatever else runs on the machine comes first: this is minutes of all its cores.
        job(f"binary-{binary.name}", ["--cpu-shares", "256", image, "sh", "-c", script], stream)
