# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Probe of kind `container`: what the Docker engine says about a container or a compose service.

Private to the collection.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

from ansible_collections.selfhost.aistack.plugins.module_utils._docker import DEFAULT_SOCKET, Docker, DockerError
from ansible_collections.selfhost.aistack.plugins.module_utils._health_net import HopelessError, NotReadyError
from ansible_collections.selfhost.aistack.plugins.module_utils._redact import redact, secret_values

LOG_LINES = 10
ENDED = {"exited": "has exited", "dead": "is dead"}


def verdict(container):
    """(outcome, words) for one inspected container; outcome is "ready", "waiting" or "ended"."""
    state = container["State"]
    status = state["Status"]
    health = (state.get("Health") or {}).get("Status")
    if status in ENDED:
        killed = ", killed because it ran out of memory" if state.get("OOMKilled") else ""
        return "ended", f"{ENDED[status]} with code {state.get('ExitCode')}{killed}"
    if status == "restarting":
        times = container.get("RestartCount", 0)
        return "waiting", f"is being restarted after code {state.get('ExitCode')} (for the {times}. time)"
    if status != "running":
        return "waiting", f"is {status}"
    if health in (None, "none", "healthy"):
        return "ready", "is ready"
    checks = (state.get("Health") or {}).get("Log") or []
    said = " ".join((checks[-1].get("Output") or "").split())[:200] if checks else ""
    return "waiting", f"is {health}" + (f" (its last check said: {said})" if said else "")


def _containers(docker, target):
    if target["container"]:
        found = docker.inspect(target["container"])
        return [found] if found else []
    listed = docker.containers(target["project"], target["service"])
    # `docker compose run` leaves containers with the same labels; they come and go and are no part of the service.
    lasting = [one for one in listed if one["Labels"].get("com.docker.compose.oneoff") != "True"]
    return [found for found in (docker.inspect(one["Id"]) for one in lasting) if found]


def _label(target):
    if target["container"]:
        return f"container {target['container']}"
    service = f"service {target['service']} of " if target["service"] else ""
    return f"{service}project {target['project']}"


def _secrets(container):
    """Values that its log lines may hold and a message must not: variables named like secrets, and secret files."""
    variables = dict(pair.partition("=")[::2] for pair in container["Config"].get("Env") or [])
    found = secret_values(variables)
    for mount in container.get("Mounts") or []:
        if mount["Destination"].startswith("/run/secrets/"):
            with contextlib.suppress(OSError):
                found.extend(Path(mount["Source"]).read_text("utf-8", "replace").splitlines())
    return [value.strip() for value in found]


def _last_lines(docker, container):
    text = redact(docker.logs(container["Id"], tail=LOG_LINES), _secrets(container))
    lines = [line.rstrip() for line in text.splitlines() if line.strip()]
    if not lines:
        return "; it wrote no log"
    return "; its last lines: " + " | ".join(line[:300] for line in lines[-LOG_LINES:])


def probe_container(target, timeout, read_only):
    """Healthy, or running where there is no health check; one that has exited is told with its last log lines."""
    docker = Docker(target["docker_socket"] or DEFAULT_SOCKET, timeout=timeout)
    try:
        containers = _containers(docker, target)
        if not containers:
            raise NotReadyError(f"{_label(target)} does not exist (yet)")
        for container in containers:
            outcome, words = verdict(container)
            name = container["Name"].lstrip("/")
            if outcome == "ended":
                raise HopelessError(f"container {name} {words}{_last_lines(docker, container)}")
            if outcome == "waiting":
                raise NotReadyError(f"container {name} {words}")
    except DockerError as exc:
        raise NotReadyError(str(exc)) from exc
