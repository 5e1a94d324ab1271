# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A service's new release, tried beside the running one before that is touched.

Private to the collection.

The rehearsal is a compose project of its own: the service alone with its new image, configuration, limits and healthcheck, but
without network and without volumes, so that it can neither be reached nor reach or change anything.
"""

from __future__ import annotations

import os
from urllib.parse import quote

from ansible_collections.selfhost.aistack.plugins.module_utils._compose_app import AppError
from ansible_collections.selfhost.aistack.plugins.module_utils._compose_observe import rehearsal_of
from ansible_collections.selfhost.aistack.plugins.module_utils._compose_watch import StartFailed, Watch

# A service that listens on one of the host's addresses finds none of them here.
_ANY_ADDRESS = ("net.ipv4.ip_nonlocal_bind", "net.ipv6.ip_nonlocal_bind")


def end(docker, project):
    """Remove the containers of a project's rehearsal, also those that a run left which was cut off."""
    for container in docker.containers(rehearsal_of(project)):
        docker.delete(f"/containers/{quote(container['Id'])}?force=1&v=1")


def rehearse(docker, compose, bundle, name, folder, say):
    """Have the service `name` of a bundle, whose files lie in `folder`, become healthy and stay so. Raises StartFailed."""
    project = rehearsal_of(bundle["project"])
    services = {name: bundle["services"][name]}
    model = _with_any_address(bundle["rehearse"][name], name)
    end(docker, bundle["project"])
    watch = Watch(docker, project, say, compose.redact)
    say(f"rehearsing {name} beside the running one")
    try:
        try:
            command = ["up", "--detach", "--no-build", "--pull", "never"]
            compose.run(project, folder, command, "the rehearsal", bundle["wait"], model)
        except AppError as exc:
            raise watch.blame(str(exc), services, name) from exc
        watch.until_healthy(services, bundle["wait"])
        watch.settle(services, bundle["settle"])
    except StartFailed as exc:
        raise StartFailed(name, f"{exc.reason}; that was in a rehearsal beside the running one", exc.lines) from exc
    finally:
        end(docker, bundle["project"])


def _with_any_address(model, name):
    """The model with leave to bind to any address, as far as the host's kernel knows these settings."""
    known = {key: 1 for key in _ANY_ADDRESS if os.path.exists("/proc/sys/" + key.replace(".", "/"))}
    service = model["services"][name]
    return dict(model, services={name: dict(service, sysctls=dict(known, **service.get("sysctls", {})))})
