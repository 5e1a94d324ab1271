#!/usr/bin/python
# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: host_settings
short_description: Kernel settings, small configuration files and units of a host in one call
version_added: 0.1.0
description:
  - Brings kernel settings to their values now and for every boot, small files to their content, and systemd units that set something
    into effect, all in one round trip.
options:
  sysctls:
    description:
      - Kernel settings and their values, such as C(vm.overcommit_memory) and V(1).
      - A name that the kernel does not have, or has only to read, is an error, unless it stands in O(optional_sysctls).
      - One that is no longer named leaves the file, and keeps its value in the kernel until the next boot.
    type: dict
    default: {}
  optional_sysctls:
    description:
      - Names among O(sysctls) that are left out without an error where the kernel does not let them be set.
    type: list
    elements: str
    default: []
  sysctl_file:
    description:
      - File that sets O(sysctls) at boot. It belongs to this module alone and is removed when there is nothing to set.
    type: path
    default: /etc/sysctl.d/90-aistack.conf
  files:
    description:
      - Files that belong to root and that everybody may read (mode 0644). Not for secrets.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description:
          - Absolute path. Missing folders are made.
        type: path
        required: true
      content:
        description:
          - The whole content. Without it, the file is removed.
        type: str
  units:
    description:
      - systemd units that set something once, now and at every boot. They are started after O(files) were written, and ended before
        files are removed.
      - systemd reads its units anew only where the file of one of these was changed, and not at all while containers have GPUs by
        NVIDIA's hook, which would lose them by that; then it is an error and nothing is changed.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name with its ending, such as V(aistack-guard.service).
        type: str
        required: true
      wanted:
        description: Whether the unit shall be in effect. If not, it is stopped and no longer started at boot.
        type: bool
        default: true
      files:
        description: Paths among O(files) that the unit is made of. A change of one of them starts it anew.
        type: list
        elements: path
        default: []
      check:
        description: Command that succeeds exactly when the unit starts at boot and what it sets is so now. It changes nothing.
        type: list
        elements: str
        required: true
attributes:
  check_mode:
    description: Predicts every setting, file and unit that would change.
    support: full
  diff_mode:
    description: Shows each setting and file with its value before and after.
    support: full
author:
  - selfhost.aistack contributors (@selfhost-aistack)
"""

EXAMPLES = r"""
- name: Let Redis fork, and keep needrestart away from the engine
  selfhost.aistack.host_settings:
    sysctls:
      vm.overcommit_memory: 1
      net.ipv4.tcp_migrate_req: 1
    optional_sysctls: [net.ipv4.tcp_migrate_req]
    files:
      - path: /etc/needrestart/conf.d/50-aistack-docker.conf
        content: |
          $nrconf{override_rc}{qr(^docker)} = 0;
"""

RETURN = r"""
changes:
  description:
    - What was changed, or in check mode would be, each with C(kind), C(name), C(action) and C(why).
    - Empty exactly when RV(ignore:changed) is false, and without any secret.
  returned: always
  type: list
  elements: dict
  sample:
    - {kind: sysctl, name: vm.overcommit_memory, action: change, why: []}
sysctls:
  description: Kernel settings whose present value was changed.
  type: list
  elements: str
  returned: always
  sample: [vm.overcommit_memory]
absent:
  description: Optional kernel settings that this kernel does not let be set.
  type: list
  elements: str
  returned: always
  sample: [net.ipv4.tcp_migrate_req]
files:
  description: Files that were written or removed, the one for the boot included.
  type: list
  elements: str
  returned: always
  sample: [/etc/sysctl.d/90-aistack.conf]
healed:
  description: Half-written files that a run left which was cut off, and that were removed. Each is also a warning.
  type: list
  elements: str
  returned: always
  sample: [/etc/sysctl.d/.aistack-new-k3u8x_2a]
units:
  description: Units that were started or ended.
  type: list
  elements: str
  returned: always
  sample: [aistack-guard.service]
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.selfhost.aistack.plugins.module_utils._changes import answer
from ansible_collections.selfhost.aistack.plugins.module_utils._docker import DockerError
from ansible_collections.selfhost.aistack.plugins.module_utils._host_settings import (
    HostSettings,
    SettingsError,
    settings_argument_spec,
)
from ansible_collections.selfhost.aistack.plugins.module_utils._host_units import UnitError


def main():
    module = AnsibleModule(
        argument_spec=settings_argument_spec(),
        supports_check_mode=True,
    )
    given = module.params
    try:
        result = HostSettings.of(given, module.run_command).converge(check=module.check_mode)
    except (SettingsError, UnitError, DockerError) as exc:
        module.fail_json(msg=str(exc))
    answer(module, result)


if __name__ == "__main__":
    main()
