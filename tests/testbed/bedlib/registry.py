# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The registry's own interface: what lies under which tag, and pushing an image under its digest of inputs and its tag."""

from __future__ import annotations

import urllib.error
import urllib.request

from .engine import docker
from .paths import REGISTRY, REGISTRY_PUSH
from .say import BedError, step
from .shell import logged, output

_KINDS = (
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
)


def digest(name: str, tag: str) -> str | None:
    """Return the digest that lies under a tag, or None where there is none."""
    found = _manifest(name, tag)
    return found[0] if found else None


def push(image: str, name: str, key: str) -> None:
    """Push a local image under a key that tells from which inputs it was made."""
    remote = f"{REGISTRY_PUSH}/{name}:{key}"
    with step(f"{name}: pushing"):
        output([docker(), "tag", image, remote])
        logged(f"push-{name}", [docker(), "push", remote])
        # The extra name has served; without it the list of local images stays readable.
        output([docker(), "rmi", "--no-prune", remote])


def tag(name: str, key: str, wanted: str) -> str:
    """Have a tag name what lies under a key, and return the reference that hosts use."""
    found = _manifest(name, key)
    if not found:
        raise BedError(f"The registry has no {name}:{key} although it was pushed; 'docker logs aistack-bed-registry'.")
    digest_found, kind, content = found
    if digest(name, wanted) != digest_found:
        _ask("PUT", name, wanted, {"Content-Type": kind}, content)
    return reference(name, wanted, digest_found)


def reference(name: str, tag_name: str, digest_found: str) -> str:
    """Return the reference by tag and digest under which hosts pull an image."""
    return f"{REGISTRY}/{name}:{tag_name}@{digest_found}"


def _manifest(name: str, tag_name: str) -> tuple[str, str, bytes] | None:
    """Return digest, kind and content of the manifest under a tag, or None where there is none."""
    try:
        headers, content = _ask("GET", name, tag_name, {"Accept": ", ".join(_KINDS)})
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return None
        raise BedError(f"The registry answered {error.code} about {name}:{tag_name}.") from error
    return headers["Docker-Content-Digest"], headers["Content-Type"], content


def _ask(verb: str, name: str, tag_name: str, headers: dict[str, str], content: bytes | None = None):
    """Send one request about a manifest and return the answer's headers and content."""
    url = f"http://{REGISTRY_PUSH}/v2/{name}/manifests/{tag_name}"
    request = urllib.request.Request(url, data=content, headers=headers, method=verb)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - http, to the bed's own registry
            return answer.headers, answer.read()
    except urllib.error.HTTPError:
        raise
    except OSError as error:
        raise BedError(
            f"The registry does not answer on {REGISTRY_PUSH} ({error}); 'bed up NAME' starts it."
        ) from error
