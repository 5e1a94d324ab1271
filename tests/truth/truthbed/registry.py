# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Further tags of the images in the test bed's registry, given by its own API: nothing is pulled or pushed."""

from __future__ import annotations

import os
import urllib.request

import yaml

from truthbed.stand import Stand

_TYPES = ", ".join(
    f"application/vnd.{kind}"
    for kind in (
        "docker.distribution.manifest.v2+json",
        "docker.distribution.manifest.list.v2+json",
        "oci.image.manifest.v1+json",
        "oci.image.index.v1+json",
    )
)


def another_tag(stand: Stand, name: str, tag: str) -> str:
    """Give the bed's image of that name one more tag; returns the reference by that tag, without a digest."""
    inventory = yaml.safe_load((stand.inventory / "hosts.yml").read_text(encoding="utf-8"))
    reference, _at, digest = inventory["all"]["vars"]["bed_images"][name].partition("@")
    registry, _slash, tagged = reference.partition("/")
    repository = tagged.rpartition(":")[0]
    # Where this machine reaches the registry, which hosts reach by its address.
    port = os.environ.get("AISTACK_BED_REGISTRY_PORT", "5055")
    manifests = f"http://127.0.0.1:{port}/v2/{repository}/manifests"
    with _ask("GET", f"{manifests}/{digest}", {"Accept": _TYPES}) as answer:
        manifest, kind = answer.read(), answer.headers["Content-Type"]
    with _ask("PUT", f"{manifests}/{tag}", {"Content-Type": kind}, manifest):
        return f"{registry}/{repository}:{tag}"


def _ask(method: str, url: str, headers: dict[str, str], body: bytes | None = None):
    request = urllib.request.Request(url, data=body, headers=headers, method=method)  # noqa: S310 - the bed's own registry
    return urllib.request.urlopen(request, timeout=60)  # noqa: S310
