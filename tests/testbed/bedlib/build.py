# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Building one image from a recipe folder; an image's tag is the digest of all that went into it."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from . import seed
from .certificates import extra
from .engine import docker
from .paths import LABEL, RECIPES
from .say import step
from .shell import alone, logged, works


@functools.cache
def base() -> str:
    """Have the base image (Debian with the machine's certificate authorities) and return its name."""
    seed.ensure()
    return build("base", seed.IMAGE, _add_certificates)


def _add_certificates(folder: Path) -> None:
    """Put the machine's own certificate authorities into the base image's build context."""
    certificates = folder / "certificates"
    certificates.mkdir()
    for number, block in enumerate(extra()):
        (certificates / f"machine-{number}.crt").write_text(block + "\n")


def build(name: str, parent: str, prepare: Callable[[Path], None] | None = None) -> str:
    """Have the local image of a recipe and return its name; prepare adds files to a copy of the recipe folder."""
    with context(name, parent, prepare) as (folder, key):
        return from_context(name, parent, folder, key)


@contextlib.contextmanager
def context(name: str, parent: str, prepare: Callable[[Path], None] | None) -> Iterator[tuple[Path, str]]:
    """Make the build context of a recipe in a temporary folder; yields the folder and the digest of all inputs."""
    with tempfile.TemporaryDirectory(prefix="aistack-bed-") as temporary:
        folder = Path(temporary) / name
        shutil.copytree(RECIPES / name, folder)
        if prepare:
            prepare(folder)
        yield folder, _digest(folder, parent)


def from_context(name: str, parent: str, folder: Path, key: str) -> str:
    """Have the local image of a build context and return its name."""
    image = f"aistack-bed/{name}:{key}"
    if works([docker(), "image", "inspect", image]):
        return image
    with alone(f"image-{name}"):
        if not works([docker(), "image", "inspect", image]):
            with step(f"{name}: building"):
                _build(name, image, parent, folder)
    return image


def _build(name: str, image: str, parent: str, folder: Path) -> None:
    """Build an image; with the builder that is there, as recipes use nothing that only one of them knows."""
    modern = works([docker(), "buildx", "version"])
    environment = {"DOCKER_BUILDKIT": "1" if modern else "0", "BUILDX_BUILDER": "default", "BUILDKIT_PROGRESS": "plain"}
    command = [docker(), "build", "--label", LABEL, "--build-arg", f"BASE={parent}", "--tag", image, str(folder)]
    logged(f"image-{name}", command, environment=environment)


def _digest(folder: Path, parent: str) -> str:
    """Return a short digest of a build context and the image it starts from."""
    result = hashlib.sha256(parent.encode())
    for path in sorted(folder.rglob("*")):
        result.update(f"\0{path.relative_to(folder)}\0{path.stat().st_mode & 0o111:o}\0".encode())
        if path.is_file():
            result.update(path.read_bytes())
    return result.hexdigest()[:12]
