# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs now: the containers of one compose project as the engine shows them.

Private to the collection.
"""

from __future__ import annotations

import hashlib
import json

LABEL_APP = "aistack.app"
LABEL_INPUTS = "aistack.inputs"
LABEL_PROJECT = "com.docker.compose.project"
LABEL_FOLDER = "com.docker.compose.project.working_dir"
LABEL_SERVICE = "com.docker.compose.service"
# On containers in which something is checked before it comes into use.
LABEL_CHECK = "aistack.check"
LABEL_ONE_OFF = "com.docker.compose.oneoff"

# What a person may alter on a container without compose noticing it (its own hash is a label that nobody rewrites).
# Engine's name -> the words for it. The value is kept as it is where it can hold no secret, otherwise as a digest.
HOST_FIELDS = {
    "Memory": "memory limit",
    "MemorySwap": "swap limit",
    "MemoryReservation": "memory reservation",
    "NanoCpus": "CPU limit",
    "CpuShares": "CPU shares",
    "CpuQuota": "CPU quota",
    "CpuPeriod": "CPU period",
    "CpusetCpus": "CPU set",
    "CpusetMems": "memory nodes",
    "BlkioWeight": "I/O weight",
    "PidsLimit": "process limit",
    "RestartPolicy": "restart policy",
    "Binds": "mounts",
    "Mounts": "mounts",
    "Tmpfs": "tmpfs",
    "PortBindings": "published ports",
    "NetworkMode": "network mode",
    "CapAdd": "added capabilities",
    "CapDrop": "dropped capabilities",
    "SecurityOpt": "security options",
    "ReadonlyRootfs": "read-only root",
    "Privileged": "privileges",
    "Ulimits": "ulimits",
    "Devices": "devices",
    "DeviceRequests": "device requests",
    "LogConfig": "logging",
    "ShmSize": "shared memory size",
    "ExtraHosts": "extra hosts",
    "Sysctls": "sysctls",
}
CONFIG_FIELDS = {
    "Env": "environment",
    "Cmd": "command",
    "Entrypoint": "entrypoint",
    "User": "user",
    "WorkingDir": "working directory",
    "Healthcheck": "healthcheck",
    "StopSignal": "stop signal",
}


def digest_of(value):
    """A short digest of anything JSON can say."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:16]


def fingerprint(container):
    """The alterable part of an inspected container: {engine's field: value or digest}. Equal for equal containers."""
    marks = {field: container["HostConfig"].get(field) for field in HOST_FIELDS}
    for field in ("Binds", "Mounts"):
        if isinstance(marks[field], list):
            marks[field] = sorted(marks[field], key=json.dumps)
    config = dict(container["Config"])
    config["Env"] = sorted(config.get("Env") or [])
    marks.update({field: digest_of(config.get(field)) for field in CONFIG_FIELDS})
    marks["Networks"] = sorted(container["NetworkSettings"].get("Networks") or {})
    return marks


def altered(recorded, found):
    """The words for what differs between a recorded fingerprint and the one found, each once.

    A field that an older version of this collection did not record is not compared.
    """
    words = dict(HOST_FIELDS, Networks="networks", **CONFIG_FIELDS)
    differing = (field for field in words if field in recorded and recorded[field] != found.get(field))
    return list(dict.fromkeys(words[field] for field in differing))


class Observed:
    """One service's container. `state`: running, exited, paused...; `health`: healthy, unhealthy, starting or none."""

    def __init__(self, container):
        state = container["State"]
        self.id = container["Id"]
        self.name = container["Name"].lstrip("/")
        self.image_id = container["Image"]
        self.inputs_hash = (container["Config"].get("Labels") or {}).get(LABEL_INPUTS)
        self.state = state["Status"]
        self.exit_code = state.get("ExitCode", 0)
        self.out_of_memory = bool(state.get("OOMKilled"))
        self.started_at = state.get("StartedAt")
        self.restarts = container.get("RestartCount", 0)
        health = state.get("Health") or {}
        self.health = health.get("Status", "none")
        self.last_probe = ((health.get("Log") or [{}])[-1].get("Output") or "").strip()
        self.fingerprint = fingerprint(container)
        # {port of the container, such as 80/tcp: the ports of the host that lead there}
        self.ports = {
            port: [int(binding["HostPort"]) for binding in bindings or [] if binding.get("HostPort")]
            for port, bindings in (container["HostConfig"].get("PortBindings") or {}).items()
        }

    @property
    def running(self):
        return self.state == "running"

    def stopped_because(self):
        """Why it does not run, in words."""
        if self.state == "exited":
            memory = ", killed for want of memory" if self.out_of_memory else ""
            return f"not running (exited with code {self.exit_code}{memory})"
        return f"not running ({self.state})"


def rehearsal_of(project):
    """The compose project in which a project's services are rehearsed; no app's project can have this name."""
    return f"rehearsal_{project}"


def foreign(listed, folder):
    """Of listed containers of an app's project, those that somebody else made: without our label, from another folder."""
    return [
        each for each in listed if LABEL_APP not in each["Labels"] and each["Labels"].get(LABEL_FOLDER, "") != folder
    ]


def foreign_problem(project, strangers):
    """The sentence that refuses a project in which foreign() found these containers."""
    names = [each["Names"][0].lstrip("/") for each in strangers]
    folder = strangers[0]["Labels"].get(LABEL_FOLDER) or "no folder"
    return (
        f"The compose project {project} on this host has containers that this collection did not make ({', '.join(names)}, from"
        f" {folder}), and it needs that name for itself: start them under another project name, or remove them"
        f" (docker rm --force {' '.join(names)})."
    )


def observe(docker, project, containers=None):
    """{service: Observed} of a project; where several containers of one service exist, the running or the newest one.

    containers: the engine's list of the project's containers, if it is at hand.
    """
    found = {}
    for listed in sorted(
        docker.containers(project) if containers is None else containers,
        key=lambda c: (c["State"] == "running", c["Created"]),
    ):
        if listed["Labels"].get(LABEL_ONE_OFF) == "True":
            continue
        container = docker.inspect(listed["Id"])
        if container is not None:
            found[listed["Labels"][LABEL_SERVICE]] = Observed(container)
    return found


def doubles(containers, observed):
    """{service: names of its containers besides the observed one}: a service has one container, a further one was made by hand."""
    found = {}
    for listed in containers:
        service = listed["Labels"].get(LABEL_SERVICE)
        if (
            service in observed
            and listed["Id"] != observed[service].id
            and listed["Labels"].get(LABEL_ONE_OFF) != "True"
        ):
            found.setdefault(service, []).append(listed["Names"][0].lstrip("/"))
    return {service: sorted(names) for service, names in found.items()}
