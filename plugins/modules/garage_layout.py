# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: garage_layout
short_description: Converge the cluster layout of Garage
version_added: 0.1.0
description:
  - Gives nodes of a Garage cluster their roles (zone, capacity, tags), stages only what differs and applies it once.
  - The layout is applied by compare-and-set on its version number. A plan made for a version that is no longer the present one
    fails with both numbers and is never forced.
  - Layout changes that somebody else staged are neither applied nor dropped. If this run has something to change, it fails and names
    them; if it has nothing to change, it leaves them and warns.
  - A change that Garage cannot compute is withdrawn again, and the message says so.
  - Runs on one host wait for each other. For a cluster, run the task on one host only (C(run_once)), because Garage merges what is
    staged on several nodes at once. Runs with different plans on several hosts at once notice each other in the two seconds between
    staging and applying; at most one of them succeeds.
extends_documentation_fragment:
  - selfhost.aistack.garage
options:
  nodes:
    description: The nodes and their roles.
    type: list
    elements: dict
    required: true
    suboptions:
      id:
        description:
          - Node id, 64 lowercase hexadecimal digits.
          - May be left out if it is the only entry; it then means the node that answers at O(endpoint).
        type: str
      zone:
        description: Name of the place whose failure takes the node down, such as a rack or a data centre.
        type: str
        required: true
      capacity:
        description:
          - Space for data, in bytes or as a number with V(K), V(M), V(G), V(T), V(P) (powers of 1000) or V(Ki), V(Mi), V(Gi), V(Ti), V(Pi)
            (powers of 1024). At least 1024 bytes.
          - An explicit V(null) makes the node a gateway, which holds no data.
        type: raw
        required: true
      tags:
        description: Labels shown beside the node; their order does not matter.
        type: list
        elements: str
        default: []
  zone_redundancy:
    description:
      - In how many zones the copies of an object shall at least lie, or V(maximum) for as many as possible.
      - If unset, what is there is kept; a new cluster has V(maximum).
    type: str
  purge:
    description: Whether nodes that O(nodes) does not list lose their role. Garage then moves their data to the others.
    type: bool
    default: false
  wait:
    description:
      - Seconds to wait, before applying a layout, until Garage knows all its nodes, which takes a moment after they were connected; and
        seconds to wait, after applying it, until every partition has all its copies.
      - V(0) does not wait. A run that changes nothing does not wait either.
    type: int
    default: 60
author:
  - selfhost.aistack contributors (@selfhost-aistack)
"""

EXAMPLES = r"""
- name: Give the only node its role
  selfhost.aistack.garage_layout:
    admin_token: "{{ garage_admin_token }}"
    nodes:
      - zone: home
        capacity: 100G

- name: Three storage nodes in three zones and one gateway
  selfhost.aistack.garage_layout:
    admin_token: "{{ garage_admin_token }}"
    nodes:
      - {id: "{{ node_a }}", zone: berlin, capacity: 2T, tags: [hdd]}
      - {id: "{{ node_b }}", zone: paris, capacity: 2T, tags: [hdd]}
      - {id: "{{ node_c }}", zone: rome, capacity: 2T, tags: [hdd]}
      - {id: "{{ node_d }}", zone: berlin, capacity: null}
    zone_redundancy: "3"
    purge: true
    wait: 600
  run_once: true
"""

RETURN = r"""
changes:
  description:
    - What was changed, or in check mode would be, each with C(kind), C(name), C(action) and C(why).
    - Empty exactly when RV(ignore:changed) is false, and without any secret.
  returned: success
  type: list
  elements: dict
  sample:
    - {kind: layout, name: garage, action: apply, why: [zone_redundancy]}
version:
  description: Number of the applied layout; in check mode the number that the real run would reach.
  returned: success
  type: int
  sample: 1
roles:
  description: The roles by node id after the run.
  returned: success
  type: dict
  sample: {"10753dd79da83803b757b2137a55e3afed59d1faebf9874b4bce1913b2c64a23": {"capacity": 100000000000, "tags": [], "zone": "home"}}
zone_redundancy:
  description: V(maximum), or a dict with C(atLeast).
  returned: success
  type: raw
  sample: maximum
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.selfhost.aistack.plugins.module_utils._changes import answer
from ansible_collections.selfhost.aistack.plugins.module_utils._garage import (
    GarageError,
    client_from_params,
    garage_argument_spec,
)
from ansible_collections.selfhost.aistack.plugins.module_utils._garage_layout import layout_argument_spec, run_layout
from ansible_collections.selfhost.aistack.plugins.module_utils._host_lock import LockTimeout


def main():
    """Entry point of the module."""
    spec = dict(garage_argument_spec(), **layout_argument_spec())
    module = AnsibleModule(argument_spec=spec, supports_check_mode=True)
    try:
        client = client_from_params(module.params, module.check_mode)
        result = run_layout(client, module.params, module.check_mode)
    except (GarageError, LockTimeout) as problem:
        module.fail_json(msg=str(problem))
    answer(module, result)


if __name__ == "__main__":
    main()
