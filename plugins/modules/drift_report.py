# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Entirely an action: it runs on the controller.

from __future__ import annotations

DOCUMENTATION = r"""
module: drift_report
short_description: Tell what differs on all hosts from the inventory
version_added: 0.1.0
author:
  - selfhost.aistack contributors (@selfhost-aistack)
description:
  - Collects what the roles of this collection registered during a check run, on every host, shows it as one table and writes it as JSON.
    It never opens a connection to a host and changes nothing there.
  - It is the last step of the playbook C(selfhost.aistack.drift) and of no use elsewhere.
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
- name: Tell what differs
  selfhost.aistack.drift_report:
    hosts: "{{ ansible_play_hosts_all }}"
    json: drift.json
  run_once: true
"""

RETURN = r"""
outcome:
  description: V(error) if something could not be looked at, otherwise V(drift) or V(none).
  returned: always
  type: str
hosts:
  description: The hosts that were looked at.
  returned: always
  type: list
  elements: str
drift:
  description:
    - What differs, each with C(host), C(kind), C(name), C(action) (what C(site.yml) would do about it) and C(why). Without any secret.
  returned: always
  type: list
  elements: dict
  sample:
    - {host: vm1, kind: service, name: redis/redis, action: recreate, why: [memory limit changed by hand]}
notes:
  description: What is worth to be known and is left as it is, each with C(host), C(kind), C(name) and C(what).
  returned: always
  type: list
  elements: dict
errors:
  description: What could not be looked at, each with C(host), C(where) and C(why).
  returned: always
  type: list
  elements: dict
"""
