# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The images of the services: which there are, and having each of them in the registry."""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from . import binaries, build, registry
from .engine import docker
from .paths import REPOSITORY
from .say import BedError, say, step
from .seed import can_pull
from .shell import alone, logged

_GATEWAY_REQUIREMENTS = REPOSITORY / "roles/gateway/files/reference/requirements.txt"
_GATEWAY_FALLBACK = (
    "fastapi uvicorn redis boto3 httpx python-multipart argon2-cffi pyjwt cryptography pypdf".replace(" ", "\n") + "\n"
)


def _with_binary(binary: binaries.Binary) -> Callable[[Path], None]:
    """Return what puts a program into a build context."""

    def prepare(context: Path) -> None:
        shutil.copy2(binaries.ensure(binary), context / binary.name)

    return prepare


def _with_gateway_requirements(context: Path) -> None:
    """Put the reference gateway's list of packages into a build context, or its main packages while it has none."""
    listed = _GATEWAY_REQUIREMENTS.read_text() if _GATEWAY_REQUIREMENTS.exists() else _GATEWAY_FALLBACK
    (context / "requirements.txt").write_text(listed)


@dataclass(frozen=True)
class Image:
    """An image of a service.

    name: its name in the registry and its recipe's folder; tag: its tag there; official: the published image that is
    taken instead where it can be pulled; prepare: what adds inputs to the recipe; variable: the role variable that
    takes its reference.
    """

    name: str
    tag: str
    official: str | None = None
    prepare: Callable[[Path], None] | None = None
    variable: str | None = None


#: In the order in which they are begun: the slowest first.
ALL = (
    Image("docling-serve-standin", "1.38.2", variable="docling_image"),
    Image("garage", "2.5.0", "dxflrs/garage:v2.5.0", _with_binary(binaries.GARAGE), "garage_storage_image"),
    Image("caddy", "2.11.5", "caddy:2.11.5", _with_binary(binaries.CADDY), "caddy_tls_image"),
    Image("gateway-base", "1", None, _with_gateway_requirements, "gateway_base_image"),
    Image("redis", "8.0", "redis:8.0", variable="redis_image"),
    Image("pebble", "2.6"),
)
_SIDE_BY_SIDE = 4


def chosen(names: list[str]) -> list[Image]:
    """Return the images of these names, all of them for no name."""
    known = {image.name: image for image in ALL}
    for name in names:
        if name not in known:
            raise BedError(f"There is no image '{name}'; there are: {', '.join(known)}.")
    return [known[name] for name in dict.fromkeys(names)] or list(ALL)


def publish(names: list[str]) -> dict[str, str]:
    """Have these images in the registry, side by side, and return name -> reference."""
    wanted = chosen(names)
    # Both are shared by all images: found out once, before the threads begin.
    build.base()
    can_pull()
    with ThreadPoolExecutor(max_workers=_SIDE_BY_SIDE) as pool:
        references = pool.map(_publish, wanted)
        return {image.name: reference for image, reference in zip(wanted, references, strict=True)}


def published() -> dict[str, str]:
    """Return name -> reference of the images that the registry has."""
    found = {image: registry.digest(image.name, image.tag) for image in ALL}
    return {i.name: registry.reference(i.name, i.tag, digest) for i, digest in found.items() if digest}


def _publish(image: Image) -> str:
    """Have one image in the registry and return its reference."""
    begin = time.monotonic()
    with alone(f"publish-{image.name}"):
        key = _official_key(image)
        if key is None or not (registry.digest(image.name, key) or _pull(image, key)):
            key = _built(image)
        reference = registry.tag(image.name, key, image.tag)
    say(f"{image.name}: ready ({time.monotonic() - begin:.1f} s)")
    return reference


def _official_key(image: Image) -> str | None:
    """Return the key of the published image where it can be pulled."""
    if image.official is None or not can_pull():
        return None
    return "official-" + hashlib.sha256(image.official.encode()).hexdigest()[:12]


def _pull(image: Image, key: str) -> bool:
    """Pull the published image and push it to the registry; False where this image cannot be pulled."""
    assert image.official
    try:
        with step(f"{image.name}: pulling {image.official}"):
            logged(f"pull-{image.name}", [docker(), "pull", image.official])
    except BedError as error:
        say(
            f"{image.name}: building it instead, as {image.official} cannot be pulled ({str(error).splitlines()[-1].strip()})"
        )
        return False
    registry.push(image.official, image.name, key)
    return True


def _built(image: Image) -> str:
    """Have the image built from its recipe in the registry, and return its key there."""
    with build.context(image.name, build.base(), image.prepare) as (folder, key):
        if not registry.digest(image.name, key):
            registry.push(build.from_context(image.name, build.base(), folder, key), image.name, key)
    return key
