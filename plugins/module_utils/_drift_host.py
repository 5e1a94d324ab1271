# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is worth knowing about a host and is looked after by no role: who restarted what, and who listens at which port.

Private to the collection. look() only reads; the other functions are pure.
"""

from __future__ import annotations

import ipaddress
import os
import time

from ansible_collections.selfhost.aistack.plugins.module_utils import _host_ports
from ansible_collections.selfhost.aistack.plugins.module_utils._compose_observe import (
    LABEL_APP,
    LABEL_ONE_OFF,
    LABEL_PROJECT,
)
from ansible_collections.selfhost.aistack.plugins.module_utils._compose_release import Releases
from ansible_collections.selfhost.aistack.plugins.module_utils._daemon_service import UNIT, program
from ansible_collections.selfhost.aistack.plugins.module_utils._docker import Docker, DockerError

_OURS = "aistack_"


def look(run, root, declared):
    """{"problems": why the containers cannot be looked at, "notes": [{kind, name, what}]}.

    :param run: the run_command of an AnsibleModule.
    :param root: the folder of all apps.
    :param declared: the ports that shall be reachable from outside.
    """
    containers, problem = _containers(run)
    inspected = []
    if not problem:
        try:
            docker = Docker()
            ours = (listed for listed in containers if is_ours(listed))
            inspected = [found for found in (docker.inspect(listed["Id"]) for listed in ours) if found]
        except DockerError as exc:
            problem = str(exc)
    apps = {(found["Config"].get("Labels") or {}).get(LABEL_APP) for found in inspected}
    made = {app: Releases(os.path.join(root, app)).record.get("made", "") for app in apps if app}
    return {
        "problems": [problem] if problem else [],
        "notes": restarts(inspected, made, _booted()) + strays(containers) + ports(containers, declared),
    }


def _containers(run):
    """(the engine's list of containers, why there is none or '').

    An engine that is off must not be asked: its socket may be held by systemd, which would start it.
    """
    systemctl = program("systemctl")
    shown = run([systemctl, "show", UNIT, "--property=LoadState,ActiveState"])[1].split() if systemctl else []
    if "LoadState=loaded" in shown and "ActiveState=active" not in shown:
        state = next((part.partition("=")[2] for part in shown if part.startswith("ActiveState=")), "unknown")
        return [], (
            f"The engine of this host does not run ({UNIT} is {state}), so its containers cannot be looked at:"
            " start it with systemctl start docker, or play site.yml."
        )
    docker = Docker()
    # A host that has never had an engine has no containers, and the roles tell what it lacks.
    if not docker.available():
        return [], ""
    try:
        return docker.get("/containers/json?all=1"), ""
    except DockerError as exc:
        return [], str(exc)


def _booted():
    """When the host was started, as the engine writes times."""
    with open("/proc/stat", encoding="ascii") as handle:
        seconds = next((int(line.split()[1]) for line in handle if line.startswith("btime ")), 0)
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def is_ours(listed):
    """Whether a listed container is of a compose project of this collection."""
    return listed["Labels"].get(LABEL_PROJECT, "").startswith(_OURS)


def restarts(inspected, made, booted):
    """Notes on containers that were started since the last change by a run: by hand, by the engine, or with the host.

    :param inspected: containers of ours as the engine shows them.
    :param made: {app: when its release was last recorded}.
    :param booted: when the host was started. All times are UTC, so that they compare as texts.
    """
    notes = []
    for found in inspected:
        state = found["State"]
        changed = made.get((found["Config"].get("Labels") or {}).get(LABEL_APP), "")
        started = state.get("StartedAt", "")[:19] + "Z"
        what = []
        if state.get("Status") == "running" and changed and started > changed:
            with_host = f", with the host, which was started at {booted}" if booted > changed else ""
            what.append(f"was started again at {started}, after the last change by a run at {changed}{with_host}")
        if found.get("RestartCount"):
            what.append(f"was restarted by the engine {found['RestartCount']} times")
        if what:
            notes.append({"kind": "restart", "name": found["Name"].lstrip("/"), "what": " and ".join(what)})
    return sorted(notes, key=lambda note: note["name"])


def strays(containers):
    """Notes on containers that docker compose run left in our projects."""
    return [
        {
            "kind": "container",
            "name": listed["Names"][0].lstrip("/"),
            "what": f"was made by docker compose run in the project {listed['Labels'][LABEL_PROJECT]} and is {listed['State']}",
        }
        for listed in containers
        if is_ours(listed) and listed["Labels"].get(LABEL_ONE_OFF) == "True"
    ]


def ports(containers, declared):
    """Notes on ports that others can reach and the inventory does not declare."""
    return port_notes(_host_ports.holders(containers), declared)


def port_notes(holders, declared):
    """Notes on these holders of ports, one for each port and holder. What is bound to loopback is nobody else's business.

    An app of ours is left out: what it publishes is compared by its own role.
    """
    notes = {}
    for holder in holders:
        plain = ipaddress.ip_address(holder["address"])
        plain = getattr(plain, "ipv4_mapped", None) or plain
        if plain.is_loopback or holder["port"] in declared or holder["app"]:
            continue
        name = f"{holder['protocol']}/{holder['port']}"
        places = notes.setdefault((name, _host_ports.who(holder)), [])
        places += [str(plain)] if str(plain) not in places else []
    return [
        {"kind": "port", "name": name, "what": f"is open to others at {', '.join(places)}: {who}"}
        for (name, who), places in sorted(notes.items())
    ]
