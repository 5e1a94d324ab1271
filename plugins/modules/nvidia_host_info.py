#!/usr/bin/python
# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: nvidia_host_info
short_description: What a host has of NVIDIA's driver and container toolkit, what it lacks, and what keeps it from being used
version_added: 0.1.0
description:
  - Compares the driver that the kernel has loaded with the one that is installed, and reads GPUs and MIG devices, the packages of the
    container toolkit, its configuration and the CDI specifications, and which container holds which GPU, in one call. It changes nothing.
  - A specification is stale if it was made for another driver, lacks a GPU or MIG device, or names one that is gone.
options:
  minimum_driver:
    description: Oldest driver that is accepted.
    type: str
    default: "525"
  driver_packages:
    description: Packages that install the driver on a host which has none. Without them such a host is refused.
    type: list
    elements: str
    default: []
  driver_version:
    description: The version that the driver shall have, as it begins, such as V(580) or V(580.95.05). Empty means any.
    type: str
    default: ""
  toolkit_version:
    description: The version that all packages of the toolkit shall have, as Debian writes it.
    type: str
    default: 1.20.1-1
  repository_url:
    description:
      - Where NVIDIA's packages of the toolkit lie, without C(stable/deb). Empty if they come from elsewhere than an apt repository.
    type: str
    default: ""
  accept_envvar:
    description: Whether a container that is not privileged shall get GPUs by naming them in its environment.
    type: bool
    default: false
  persistence:
    description: Whether nvidia-persistenced shall run where it is installed.
    type: bool
    default: true
  daemon:
    description: What M(selfhost.aistack.docker_daemon_config) will be given, to learn from RV(settled) whether it has anything to change.
    type: dict
  settings:
    description: What M(selfhost.aistack.host_settings) will be given, likewise.
    type: dict
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
- name: See whether containers can use the GPUs of this host
  selfhost.aistack.nvidia_host_info:
    minimum_driver: "580"
  register: nvidia
- name: Stop with every reason why they cannot
  selfhost.aistack.settings_check:
    problems: "{{ nvidia.problems }}"
"""

RETURN = r"""
problems:
  description: Sentences that say why the host cannot be used as asked, and what to do. Empty if it can.
  returned: always
  type: list
  elements: str
  sample: []
changes:
  description:
    - What the role nvidia_runtime does about what is missing, each with C(kind), C(name), C(action) and C(why), without what the modules
      do that O(daemon) and O(settings) are for.
  returned: always
  type: list
  elements: dict
  sample:
    - {kind: file, name: /etc/cdi/nvidia.yaml, action: change, why: ["made for driver 570.86.15, not 580.95.05"]}
settled:
  description: Whether the modules that O(daemon) and O(settings) are for have nothing to change. False if these are not given.
  returned: always
  type: bool
  sample: true
driver:
  description:
    - Versions of the driver, empty where there is none. C(loaded) is that of the kernel's module, C(installed) that of the libraries,
      C(on_disk) that of the module which the next boot would load.
  returned: always
  type: dict
  sample: {loaded: 580.95.05, installed: 580.95.05, on_disk: 580.95.05}
gpus:
  description: The GPUs, each with C(index), C(uuid), C(name), C(capability) (its compute capability), C(mig_mode) and C(mig), the list of its MIG devices.
  returned: always
  type: list
  elements: dict
  sample:
    - {index: 0, uuid: GPU-5d5ba0d6-d33d-2b2c-524d-9e3d8d2b8a77, name: NVIDIA L4, capability: "8.9", mig_mode: false, mig: []}
smi_error:
  description: What nvidia-smi says in place of GPUs; empty if it shows them.
  returned: always
  type: str
  sample: ""
uvm:
  description: Whether there is the device C(/dev/nvidia-uvm), without which no program can use CUDA.
  returned: always
  type: bool
  sample: true
holders:
  description:
    - Containers that run and were given GPUs, each with C(container), its compose C(project) and C(service), C(by), C(privileged), C(gpus)
      and C(unknown).
    - C(by) is C(cdi), C(hook) (NVIDIA's, which gives GPUs in a way that systemd takes away when it reads its units anew), or C(device) (the
      plain device of a GPU). C(gpus) are UUIDs of GPUs and MIG devices, and names that somebody's own CDI specification gives. C(unknown)
      are names that no GPU of this host has any more.
  returned: always
  type: list
  elements: dict
  sample:
    - container: docling-docling-1
      project: docling
      service: docling
      by: cdi
      privileged: false
      gpus: [GPU-5d5ba0d6-d33d-2b2c-524d-9e3d8d2b8a77]
      unknown: []
engine_off:
  description: Whether the engine is installed and does not run, so that RV(holders) is empty for that reason.
  returned: always
  type: bool
  sample: false
packages:
  description: Installed packages of the toolkit with their versions.
  returned: always
  type: dict
  sample: {nvidia-container-toolkit: 1.20.1-1}
held:
  description: Those of them that apt leaves alone.
  returned: always
  type: list
  elements: str
  sample: [nvidia-container-toolkit]
cdi:
  description: CDI specifications by their path, each with its C(kind), the names of its C(devices), and the C(drivers) that it was made for.
  returned: always
  type: dict
  sample: {/etc/cdi/nvidia.yaml: {kind: nvidia.com/gpu, devices: ["0", all], drivers: [580.95.05]}}
persistenced:
  description: Whether nvidia-persistenced is C(installed), C(enabled) and C(active).
  returned: always
  type: dict
  sample: {installed: true, enabled: true, active: true}
accepts_envvar:
  description: Whether a container that is not privileged gets GPUs by naming them in its environment.
  returned: always
  type: bool
  sample: false
install_driver:
  description: Packages that install the driver; empty if there is one.
  returned: always
  type: list
  elements: str
  sample: []
install:
  description: Packages to install or to bring to O(toolkit_version).
  returned: always
  type: list
  elements: str
  sample: []
hold:
  description: Packages to put on hold.
  returned: always
  type: list
  elements: str
  sample: []
repository:
  description: Address of the apt repository that is to be added first; empty if none is.
  returned: always
  type: str
  sample: ""
config:
  description: Whether the toolkit's configuration is to be changed.
  returned: always
  type: bool
  sample: false
stale:
  description: Why the CDI specification is to be made anew; empty if it fits.
  returned: always
  type: list
  elements: str
  sample: []
leftovers:
  description: Files and folders to remove, and why. They are CDI specifications for which another one stands, and what a run left that was cut off.
  returned: always
  type: dict
  sample: {/var/run/cdi/nvidia.yaml: /etc/cdi/nvidia.yaml stands for it}
persistence:
  description: What nvidia-persistenced shall be and is not.
  returned: always
  type: list
  elements: str
  sample: []
apt_architecture:
  description: The processor, as apt tells it; empty if it is none that is known.
  returned: always
  type: str
  sample: amd64
dpkg_interrupted:
  description: Whether a package installation was killed half way, so that apt refuses every other until C(dpkg --configure -a).
  returned: always
  type: bool
  sample: false
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.selfhost.aistack.plugins.module_utils._daemon_service import is_off
from ansible_collections.selfhost.aistack.plugins.module_utils._docker import Docker, DockerError
from ansible_collections.selfhost.aistack.plugins.module_utils._docker_host import host_nofile_limit
from ansible_collections.selfhost.aistack.plugins.module_utils._host_settled import is_settled
from ansible_collections.selfhost.aistack.plugins.module_utils._nvidia_holders import (
    container_name,
    holders,
    loses_gpus_on_reload,
    running,
)
from ansible_collections.selfhost.aistack.plugins.module_utils._nvidia_host import assess, look, planned
from ansible_collections.selfhost.aistack.plugins.module_utils._nvidia_toolkit import (
    reload_problems,
    takes_devices_from_environment,
)

_FACTS = (
    "driver",
    "gpus",
    "smi_error",
    "uvm",
    "packages",
    "held",
    "cdi",
    "persistenced",
    "apt_architecture",
    "dpkg_interrupted",
)


def main():
    module = AnsibleModule(
        argument_spec={
            "minimum_driver": {"type": "str", "default": "525"},
            "driver_packages": {"type": "list", "elements": "str", "default": []},
            "driver_version": {"type": "str", "default": ""},
            "toolkit_version": {"type": "str", "default": "1.20.1-1"},
            "repository_url": {"type": "str", "default": ""},
            "accept_envvar": {"type": "bool", "default": False},
            "persistence": {"type": "bool", "default": True},
            "daemon": {"type": "dict"},
            "settings": {"type": "dict"},
        },
        supports_check_mode=True,
    )
    given = module.params
    run = module.run_command
    facts = look(run)
    base = given["repository_url"]
    repository = f"{base}/stable/deb/{facts['apt_architecture']}" if base else ""
    assessed = assess(facts, {**given, "repository": repository})
    # systemd would start an engine that is off if its socket were asked.
    off = is_off(run)
    try:
        containers = running(Docker(timeout=30, off=off))
    except DockerError as exc:
        module.fail_json(msg=str(exc))
    if assessed["install"]:
        assessed["problems"] += reload_problems(
            sorted(container_name(each) for each in containers if loses_gpus_on_reload(each))
        )
    settled = False
    if given["daemon"] and given["settings"]:
        settled = is_settled(given["daemon"], given["settings"], host_nofile_limit(), run)
    module.exit_json(
        changed=False,
        changes=[] if assessed["problems"] else planned(facts, assessed),
        settled=settled,
        stale=assessed.pop("cdi"),
        accepts_envvar=takes_devices_from_environment(facts["config"]),
        holders=holders(containers, facts["gpus"], facts["cdi"], facts["minors"]),
        engine_off=off,
        **{fact: facts[fact] for fact in _FACTS},
        **assessed,
    )


if __name__ == "__main__":
    main()
