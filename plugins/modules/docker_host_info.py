#!/usr/bin/python
# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: docker_host_info
short_description: What a host has of Docker, what it lacks, and what keeps it from being used
version_added: 0.1.0
description:
  - Reads the operating system, the installed Docker packages, the engine's and the compose plugin's versions and the state of the service
    in one call, and tells what must be installed from where. It changes nothing and runs on a host without Docker.
  - Also looks whether there is room for apps, that is free disk, ports that nobody else holds, addresses that the host has, no compose
    project of somebody else with a name of this collection, and a clock that agrees with the controller's.
  - It is made to be the first thing that a playbook does on a host. If the host cannot be reached, lets nobody become root without a
    password, or has no Python, it says so in one sentence with what to set.
options:
  source:
    description:
      - Where the engine shall come from.
      - V(auto) keeps the engine that is installed. Without one it takes the distribution's, or Docker's own packages where the
        distribution has no compose plugin (Debian 12).
      - V(distribution) means Debian's or Ubuntu's own packages, V(docker) those of Docker's apt repository.
    type: str
    choices: [auto, distribution, docker]
    default: auto
  repository_url:
    description:
      - Where Docker's packages lie if they come from Docker's apt repository; the operating system's name is added.
    type: str
    default: https://download.docker.com/linux
  minimum_engine:
    description:
      - Oldest engine version that is accepted.
    type: str
    default: "25.0"
  minimum_compose:
    description:
      - Oldest version of the compose plugin that is accepted.
    type: str
    default: "2.26"
  minimum_free_disk:
    description:
      - What must be free where the engine keeps its data before the first app is there, as a number with k, m, g or t. A host that has
        apps of this collection needs a tenth of it.
    type: str
    default: 10g
  max_clock_skew:
    description:
      - By how many seconds the host's clock may differ from the controller's. Certificates, signatures of S3 requests and sign-ins
        fail where clocks differ much.
    type: int
    default: 60
  daemon:
    description:
      - What M(selfhost.aistack.docker_daemon_config) will be given, to learn from RV(settled) whether it has anything to change.
    type: dict
  settings:
    description:
      - What M(selfhost.aistack.host_settings) will be given, likewise.
    type: dict
  ports:
    description:
      - Where apps of this collection listen on this host. A port that another program or container holds is a problem, and an
        address that the host does not have is one too.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: The variable that says which port it is, for the sentence about it.
        type: str
        required: true
      port:
        description: The port.
        type: int
        required: true
      protocol:
        description: Its protocol.
        type: str
        choices: [tcp, udp]
        default: tcp
      addresses:
        description: The addresses of the host at which the app listens; an empty list means all.
        type: list
        elements: str
        default: []
      address_name:
        description: The variable that says which addresses they are.
        type: str
        default: addresses
      app:
        description: The app that listens there, and so may hold the port already.
        type: str
        required: true
      sources:
        description: Who alone may reach it, which the role C(docker_host) sees to. Nothing is looked at for it.
        type: list
        elements: str
        default: []
      sources_name:
        description: The variable that says who that is.
        type: str
        default: docker_host_ports.sources
  look_ahead:
    description:
      - Whether to look at the apps of this collection as well. The variable C(aistack_look_ahead) says so, and nothing else does; what it
        is for is told by M(selfhost.aistack.compose_app).
    type: bool
    default: false
attributes:
  check_mode:
    description: The module only reads.
    support: full
  diff_mode:
    description: There is nothing that could differ.
    support: none
author:
  - selfhost.aistack contributors (@selfhost-aistack)
"""

EXAMPLES = r"""
- name: See what this host needs
  selfhost.aistack.docker_host_info:
  register: docker
- name: Stop with every reason why it cannot be used
  ansible.builtin.assert:
    that: docker.problems | length == 0
    fail_msg: "{{ docker.problems | join('\n') }}"
"""

RETURN = r"""
changes:
  description:
    - What the role docker_host does about what is missing, each with C(kind), C(name), C(action) and C(why).
  returned: always
  type: list
  elements: dict
  sample:
    - {kind: package, name: docker.io, action: install, why: []}
repository:
  description: Address of Docker's packages for this operating system; empty unless they come from there.
  returned: always
  type: str
  sample: ""
problems:
  description: Sentences that say why the host cannot be used as asked, and what to do. Empty if it can.
  type: list
  elements: str
  returned: always
  sample: []
source:
  description: Where the packages come from; V(existing) if an engine is there that came by another way.
  type: str
  returned: always
  sample: distribution
missing:
  description: Debian packages to install.
  type: list
  elements: str
  returned: always
  sample: [docker.io, docker-cli, docker-compose, docker-buildx]
system:
  description: Name and version of the operating system, as /etc/os-release has them.
  type: list
  elements: str
  returned: always
  sample: [debian, "13"]
codename:
  description: The operating system's code name.
  type: str
  returned: always
  sample: trixie
architecture:
  description: The processor, as C(uname -m) tells it.
  type: str
  returned: always
  sample: x86_64
apt_architecture:
  description: The processor, as apt tells it; empty if it is none that is known.
  type: str
  returned: always
  sample: amd64
root:
  description: Whether the module ran as root.
  type: bool
  returned: always
  sample: true
systemd:
  description: Whether the host runs systemd.
  type: bool
  returned: always
  sample: true
packages:
  description: Installed Docker packages with their versions.
  type: dict
  returned: always
  sample: {docker.io: 26.1.5+dfsg1-9}
engine_version:
  description: Version of the running engine, or of the installed one where none runs; empty without one.
  type: str
  returned: always
  sample: 26.1.5+dfsg1
compose_version:
  description: Version of the compose plugin; empty without one.
  type: str
  returned: always
  sample: 2.26.1
running:
  description: Whether the engine's service is active.
  type: bool
  returned: always
  sample: true
enabled:
  description: Whether the engine's service starts at boot.
  type: bool
  returned: always
  sample: true
nofile_limit:
  description:
    - The most open files that a container can be given here. A host that is itself a container may be limited to what it was started with.
  type: int
  returned: always
  sample: 1048576
dpkg_interrupted:
  description: Whether a package installation was killed half way, so that apt refuses every other until C(dpkg --configure -a).
  type: bool
  returned: always
  sample: false
apps:
  description: The apps of this collection that the host has files of.
  type: list
  elements: str
  returned: always
  sample: [caddy, redis]
disk:
  description: Free bytes on the filesystems of the engine's data and of the apps' files.
  type: dict
  returned: always
  sample: {/var/lib/docker: 31138512896, /opt/aistack: 31138512896}
taken:
  description:
    - Who listens at one of O(ports), each with C(protocol), C(address), C(port), C(process), C(pid), C(container) and C(app) (the app of
      this collection that the container is of, or nothing).
  type: list
  elements: dict
  returned: always
  sample:
    - {protocol: tcp, address: 0.0.0.0, port: 80, process: nginx, pid: 812, container: "", app: ""}
strange:
  description: Addresses of O(ports) that the host does not have.
  type: list
  elements: str
  returned: always
  sample: []
settings:
  description: O(settings) as it was given, for the task that does what is missing.
  type: dict
  returned: always
  sample: {}
settled:
  description: Whether the modules that O(daemon) and O(settings) are for have nothing to change. False if these are not given.
  returned: always
  type: bool
  sample: true
foreign:
  description: Sentences about compose projects with a name of this collection that somebody else made.
  type: list
  elements: str
  returned: always
  sample: []
time:
  description: The host's clock, in seconds since 1970 (UTC).
  type: float
  returned: always
  sample: 1763700000.5
repository_url:
  description: Address of the Docker packages in the host's apt sources; empty without one.
  type: str
  returned: always
  sample: ""
"""

import time

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.selfhost.aistack.plugins.module_utils import _host_room
from ansible_collections.selfhost.aistack.plugins.module_utils._compose_look import settled_apps
from ansible_collections.selfhost.aistack.plugins.module_utils._daemon_service import is_off
from ansible_collections.selfhost.aistack.plugins.module_utils._docker import Docker
from ansible_collections.selfhost.aistack.plugins.module_utils._docker_host import ARCHITECTURES, assess, look, planned
from ansible_collections.selfhost.aistack.plugins.module_utils._host_settled import is_settled

_PORT = {
    "name": {"type": "str", "required": True},
    "port": {"type": "int", "required": True},
    "protocol": {"type": "str", "choices": ["tcp", "udp"], "default": "tcp"},
    "addresses": {"type": "list", "elements": "str", "default": []},
    "address_name": {"type": "str", "default": "addresses"},
    "app": {"type": "str", "required": True},
    "sources": {"type": "list", "elements": "str", "default": []},
    "sources_name": {"type": "str", "default": "docker_host_ports.sources"},
}


def main():
    module = AnsibleModule(
        argument_spec={
            "source": {"type": "str", "choices": ["auto", "distribution", "docker"], "default": "auto"},
            "repository_url": {"type": "str", "default": "https://download.docker.com/linux"},
            "minimum_engine": {"type": "str", "default": "25.0"},
            "minimum_compose": {"type": "str", "default": "2.26"},
            "minimum_free_disk": {"type": "str", "default": "10g"},
            "max_clock_skew": {"type": "int", "default": 60},
            "daemon": {"type": "dict"},
            "settings": {"type": "dict"},
            "ports": {"type": "list", "elements": "dict", "default": [], "options": _PORT},
            "look_ahead": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    given = module.params
    if _host_room.as_bytes(given["minimum_free_disk"]) is None:
        module.fail_json(
            msg=f"minimum_free_disk is '{given['minimum_free_disk']}', which is no size: set it to a number with k, m, g or t, such as 10g."
        )
    facts = look(module.run_command)
    facts["apt_architecture"] = ARCHITECTURES.get(facts["architecture"], "")
    assessed = assess(facts, given["source"], given["minimum_engine"], given["minimum_compose"])
    # systemd would start an engine that is off if its socket were asked.
    docker = Docker(timeout=30, off=not facts["running"] and is_off(module.run_command))
    room = _host_room.look(given["ports"], docker)
    assessed["problems"] += _host_room.problems(room, given["minimum_free_disk"], given["ports"])
    repository = f"{given['repository_url']}/{facts['system'][0]}" if assessed["source"] == "docker" else ""
    settled = False
    if given["daemon"] and given["settings"]:
        settled = is_settled(given["daemon"], given["settings"], facts["nofile_limit"], module.run_command)
    # What is seen of apps before the engine changes says nothing of them afterwards.
    engine_stays = settled and facts["running"] and not assessed["missing"]
    apps_seen = settled_apps(_host_room.APPS, docker) if given["look_ahead"] and engine_stays and room["apps"] else {}
    module.exit_json(
        changed=False,
        changes=planned(facts, assessed, repository),
        repository=repository,
        settled=settled,
        settled_apps=apps_seen,
        time=time.time(),
        **facts,
        **room,
        **assessed,
    )


if __name__ == "__main__":
    main()
