# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What can go wrong with a release: images with faults, made from the bed's own, and a host that lacks something.

A faulty image is a double: it does nothing, and shows one fault.
"""

from __future__ import annotations

import hashlib
import subprocess
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from truthbed.stand import Stand

# The bed's registry, as this machine pushes to it and as hosts pull from it.
PUSH, PULL = "127.0.0.1:5055", "198.18.0.2:5000"
_DOUBLE = Path(__file__).parent / "double" / "double.sh"
_REDIS = "docker exec aistack_redis-redis-1 sh -c 'export REDISCLI_AUTH=$(cat /run/secrets/password); {}'"
_RECIPES = {
    "does not start": 'ENTRYPOINT ["/no-such-program"]',
    "never healthy": 'USER root\nCOPY double.sh /double.sh\nENTRYPOINT ["/double.sh"]',
    "healthy and exits": 'USER root\nCOPY double.sh /double.sh\nRUN ln -sf /double.sh {probe}\nENTRYPOINT ["/double.sh"]',
    "large": "USER root\nRUN head -c 16777216 /dev/urandom > /ballast",
}


@dataclass(frozen=True)
class Subject:
    """A role whose releases fail here."""

    role: str
    app: str
    service: str
    # Variables: the one that the bed's inventory gives its image by, and what makes it use another image, `{}`.
    image: str
    with_image: dict[str, str]
    # Too little memory, and the shortest patience.
    starved: dict[str, Any]
    hasty: dict[str, Any]
    # The program that its healthcheck calls.
    probe: str
    # What its container is given to hold before it is starved, and to let go of afterwards, where it would otherwise fit in.
    ballast: tuple[str, str] = ("true", "true")
    # What is asked of the front door and is not served while this service is away.
    needed_by: list[str] = field(default_factory=list)


SUBJECTS = {
    subject.role: subject
    for subject in [
        Subject(
            role="redis",
            app="redis",
            service="redis",
            image="redis_image",
            with_image={"redis_image": "{}"},
            starved={"redis_maxmemory": "4m", "redis_memory_limit": "6m"},
            hasty={"redis_start_timeout": 10},
            probe="/usr/bin/redis-cli",
            ballast=(
                _REDIS.format("head -c 16777216 /dev/zero | redis-cli -x set ballast"),
                _REDIS.format("redis-cli del ballast"),
            ),
            needed_by=["/health", "/health/ready"],
        ),
        Subject(
            role="garage_storage",
            app="garage",
            service="garage",
            image="garage_storage_image",
            with_image={"garage_storage_image": "{}"},
            starved={"garage_storage_memory_limit": "6m"},
            hasty={"garage_storage_start_timeout": 10},
            probe="/garage",
            needed_by=["/health", "/health/ready"],
        ),
        Subject(
            role="docling",
            app="docling",
            service="docling-serve",
            image="docling_image",
            with_image={"docling_image": "{}"},
            starved={"docling_memory_limit": "64m"},
            hasty={"docling_start_timeout": 10},
            probe="/usr/bin/curl",
            needed_by=["/health/ready"],
        ),
        Subject(
            role="gateway",
            app="gateway",
            service="api-gateway",
            image="gateway_base_image",
            with_image={"gateway_source": "image", "gateway_image": "{}"},
            starved={"gateway_memory_limit": "16m"},
            hasty={"gateway_start_timeout": 10},
            probe="/opt/venv/bin/python",
            needed_by=["/", "/health", "/health/ready"],
        ),
        Subject(
            role="caddy_tls",
            app="caddy",
            service="caddy",
            image="caddy_tls_image",
            with_image={"caddy_tls_image": "{}"},
            starved={"caddy_tls_memory_limit": "8m"},
            hasty={"caddy_tls_wait": 10},
            probe="/usr/bin/caddy",
        ),
    ]
}


def image_variables(subject: Subject, reference: str) -> dict[str, str]:
    """The variables that make a role use this image."""
    return {name: text.format(reference) for name, text in subject.with_image.items()}


def faulty_image(subject: Subject, fault: str, good: str) -> str:
    """Have an image with a fault of _RECIPES in the registry, made from the `good` one, and return its reference for hosts."""
    base = good.replace(PULL, PUSH)
    recipe = f"FROM {base}\n" + _RECIPES[fault].format(probe=subject.probe)
    key = hashlib.sha256(recipe.encode() + _DOUBLE.read_bytes()).hexdigest()[:12]
    name, tag = f"rollback-{subject.app}", f"{fault.replace(' ', '-')}-{key}"
    if not _is_there(name, tag):
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "Dockerfile").write_text(recipe + "\n", encoding="utf-8")
            double = Path(folder) / "double.sh"
            double.write_bytes(_DOUBLE.read_bytes())
            double.chmod(0o755)
            _docker("build", "--quiet", "--tag", f"{PUSH}/{name}:{tag}", folder)
            _docker("push", "--quiet", f"{PUSH}/{name}:{tag}")
            _docker("image", "rm", f"{PUSH}/{name}:{tag}")
    return f"{PULL}/{name}:{tag}"


def _is_there(name: str, tag: str) -> bool:
    kinds = "application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json"
    request = urllib.request.Request(
        f"http://{PUSH}/v2/{name}/manifests/{tag}", method="HEAD", headers={"Accept": kinds}
    )  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=30):  # noqa: S310 - http, to the bed's own registry
            return True
    except urllib.error.HTTPError as error:
        assert error.code == 404, error
        return False


def _docker(*arguments: str) -> None:
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"docker {arguments[0]}: {done.stdout}{done.stderr}"


@contextmanager
def with_ballast(stand: Stand, subject: Subject) -> Iterator[None]:
    """A service holds more than it will have memory for."""
    load, unload = subject.ballast
    stand.on_host(load)
    try:
        yield
    finally:
        stand.on_host(unload)


@contextmanager
def without_registry(stand: Stand) -> Iterator[None]:
    """Nothing of the host reaches the registry any more."""
    address = PULL.partition(":")[0]
    stand.on_host(f"ip route add unreachable {address}/32")
    try:
        yield
    finally:
        stand.on_host(f"ip route del unreachable {address}/32")


@contextmanager
def small_disk(stand: Stand, folder: str, options: str) -> Iterator[None]:
    """A folder of the host with what is in it on a small file system of its own, made with these options of a tmpfs."""
    stand.on_host(
        f"set -eu; copy=$(mktemp -d); cp -a {folder}/. $copy; export used=$(find $copy | wc -l)"
        f"; mount -t tmpfs -o mode=0700,{options} small {folder}; cp -a $copy/. {folder}; rm -r $copy"
    )
    try:
        yield
    finally:
        stand.on_host(f"umount --lazy {folder}")
