# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Entirely an action: it runs on the controller.

from __future__ import annotations

DOCUMENTATION = r"""
module: gpu_report
short_description: Tell what all GPU hosts have, which container holds which GPU, and what is wrong
version_added: 0.1.0
author:
  - selfhost.aistack contributors (@selfhost-aistack)
description:
  - Collects what the role nvidia_runtime registered of its look at every host (M(selfhost.aistack.nvidia_host_info)), shows it as tables and
    writes it as JSON. It never opens a connection to a host and changes nothing there.
  - It is the last step of the playbook C(selfhost.aistack.gpu_report) and of no use elsewhere.
options:
  hosts:
    description: The hosts that were looked at, in the order in which they are told.
    type: list
    elements: str
    required: true
  json:
    description: Where the JSON is written on the controller; empty means nowhere.
    type: path
    default: ""
attributes:
  check_mode:
    description: The report is made in check mode too.
    support: full
  diff_mode:
    description: There is nothing that could differ.
    support: none
"""

EXAMPLES = r"""
- name: Tell what the GPU hosts have
  selfhost.aistack.gpu_report:
    hosts: "{{ ansible_play_hosts_all }}"
    json: gpus.json
  run_once: true
"""

RETURN = r"""
outcome:
  description: V(error) if something could not be looked at, otherwise V(wrong) or V(none).
  returned: always
  type: str
hosts:
  description:
    - What each host has that could be looked at. C(host) is its name, C(toolkit) its C(packages), those that are C(held) and whether it
      C(accepts_envvar). C(driver), C(uvm), C(cdi), C(gpus), C(holders) and C(persistenced) are as M(selfhost.aistack.nvidia_host_info)
      returns them.
  returned: always
  type: list
  elements: dict
wrong:
  description: What is wrong and what to do, each with C(host) and C(what), a sentence.
  returned: always
  type: list
  elements: dict
  sample:
    - {host: gpu1, what: "/etc/cdi/nvidia.yaml is missing, which describes the GPUs for CDI: play the role nvidia_runtime, as selfhost.aistack.site does."}
notes:
  description: What is worth to be known, each with C(host), C(kind), C(name) and C(what). GPUs that containers of different projects share.
  returned: always
  type: list
  elements: dict
errors:
  description: What could not be looked at, each with C(host), C(where) and C(why).
  returned: always
  type: list
  elements: dict
"""
