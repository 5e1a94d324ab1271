# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The first run: on a bare host, and on one that has the engine and all images already."""

from __future__ import annotations

from .calls import site
from .host import Host

# All that a run of the collection leaves on a host but the engine, its configuration and the images.
_FORGET = """
docker ps --all --quiet | xargs --no-run-if-empty docker rm --force --volumes >/dev/null
docker volume ls --quiet | xargs --no-run-if-empty docker volume rm >/dev/null
docker network ls --quiet --filter type=custom | xargs --no-run-if-empty docker network rm >/dev/null
rm -rf /opt/aistack /opt/usual /opt/pyinfra
"""


def measure(host: Host) -> dict:
    """Converge twice from nothing; the seconds of each play are the phases."""
    bare = site(host).call("first converge, bare host")
    host.run(_FORGET)
    local = site(host).call("first converge, images local")
    return {
        "first_converge_s": {"total": round(bare.wall_s, 2), **bare.tally["plays"]},
        "first_converge_images_local_s": {"total": round(local.wall_s, 2), **local.tally["plays"]},
    }
