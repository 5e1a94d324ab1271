#!/usr/bin/python
# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: drift_host_info
short_description: What is worth knowing about a host and is looked after by no role
version_added: 0.1.0
description:
  - Tells which containers of this collection were started again since the last change by a run, which containers
    C(docker compose run) left behind, and which ports are open to others without being declared. It changes nothing.
  - An engine that is installed and does not run is told, and is not asked, since asking could start it.
options:
  root:
    description: Folder of all apps.
    type: path
    default: /opt/aistack
  ports:
    description: Ports, of TCP and UDP alike, that are declared and therefore not told.
    type: list
    elements: int
    default: []
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
- name: See what no role looks after
  selfhost.aistack.drift_host_info:
    ports: [22, 80, 443]
  register: host
"""

RETURN = r"""
problems:
  description: Why the containers could not be looked at, in sentences. Empty on a host that has no engine at all.
  returned: success
  type: list
  elements: str
  sample: []
notes:
  description: What is worth knowing, each with C(kind) (C(restart), C(container) or C(port)), C(name) and C(what).
  returned: success
  type: list
  elements: dict
  sample:
    - {kind: port, name: tcp/8081, what: "is open to others at 0.0.0.0: the container web"}
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.selfhost.aistack.plugins.module_utils._drift_host import look


def main():
    module = AnsibleModule(
        argument_spec={
            "root": {"type": "path", "default": "/opt/aistack"},
            "ports": {"type": "list", "elements": "int", "default": []},
        },
        supports_check_mode=True,
    )
    module.exit_json(changed=False, **look(module.run_command, module.params["root"], module.params["ports"]))


if __name__ == "__main__":
    main()
