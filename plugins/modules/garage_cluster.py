#!/usr/bin/python
# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: garage_cluster
short_description: Converge layout, keys and buckets of Garage in one call
version_added: 0.1.0
description:
  - Does what M(selfhost.aistack.garage_layout), M(selfhost.aistack.garage_key) and M(selfhost.aistack.garage_bucket) do, in this order,
    for any number of keys and buckets, and costs one round trip to the host instead of one for each of them.
  - It stops at the first thing that cannot be done. What came before it is done then, and the next run goes on from there.
  - Keys and buckets that are not listed are left as they are.
extends_documentation_fragment:
  - selfhost.aistack.garage
options:
  may_be_away:
    description:
      - In check mode, foretell no change and warn if Garage does not answer or refuses the token; for a Garage that the real run would have
        started or put right by then.
      - Without effect when not in check mode.
    type: bool
    default: false
  layout:
    description: The layout, with the options of M(selfhost.aistack.garage_layout). If unset, it is left as it is.
    type: dict
    suboptions:
      nodes:
        description: The nodes and their roles.
        type: list
        elements: dict
        required: true
        suboptions:
          id:
            description: Node id; may be left out if it is the only entry.
            type: str
          zone:
            description: Name of the place whose failure takes the node down.
            type: str
            required: true
          capacity:
            description: Space for data; an explicit V(null) makes the node a gateway.
            type: raw
            required: true
          tags:
            description: Labels shown beside the node.
            type: list
            elements: str
            default: []
      zone_redundancy:
        description: In how many zones the copies of an object shall at least lie, or V(maximum).
        type: str
      purge:
        description: Whether nodes that are not listed lose their role.
        type: bool
        default: false
      wait:
        description: Seconds to wait for nodes and partitions.
        type: int
        default: 60
  keys:
    description: Access keys to import, with the options of M(selfhost.aistack.garage_key).
    type: list
    elements: dict
    default: []
    suboptions:
      id:
        description: Access key id.
        type: str
        required: true
      secret:
        description: Secret access key.
        type: str
      name:
        description: Name shown beside the id.
        type: str
      create_bucket:
        description: Whether the key may create buckets over S3.
        type: bool
        default: false
  buckets:
    description: Buckets, with the options of M(selfhost.aistack.garage_bucket).
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the bucket, a global alias. 3 to 63 lowercase letters, digits, hyphens and dots.
        type: str
        required: true
      aliases:
        description: Further global aliases. Others are removed; V([]) leaves the bucket its O(buckets[].name) only.
        type: list
        elements: str
      quotas:
        description: Limits on what the bucket may hold. A limit that is not mentioned is left as it is.
        type: dict
        suboptions:
          max_size:
            description:
              - Bytes, or a number with V(K), V(M), V(G), V(T), V(P) (powers of 1000) or V(Ki), V(Mi), V(Gi), V(Ti), V(Pi) (powers of 1024).
              - V(0) means no limit.
            type: str
          max_objects:
            description: Number of objects. V(0) means no limit.
            type: int
      website:
        description: Whether Garage's web endpoint serves the bucket to everybody without authentication.
        type: dict
        suboptions:
          enabled:
            description: Whether it does.
            type: bool
            required: true
          index_document:
            description: Name of the object served for a path that ends with a slash.
            type: str
            default: index.html
          error_document:
            description: Key of the object served when there is none for a path. If unset, Garage's own message.
            type: str
      lifecycle:
        description: All lifecycle rules of the bucket, in order. V([]) removes them.
        type: list
        elements: dict
        suboptions:
          id:
            description: Name of the rule.
            type: str
            required: true
          prefix:
            description: Keys that the rule is for start with this. If unset, it is for all keys.
            type: str
          expire_days:
            description: Days after which an object is deleted, from 1.
            type: int
          abort_multipart_days:
            description: Days after which an unfinished multipart upload is dropped, from 1.
            type: int
          enabled:
            description: Whether the rule is carried out.
            type: bool
            default: true
      cors:
        description: All CORS rules of the bucket, in order. V([]) removes them.
        type: list
        elements: dict
        suboptions:
          origins:
            description: Origins that may ask, such as V(https://app.example.org), or V(*).
            type: list
            elements: str
            required: true
          methods:
            description: Methods that they may use.
            type: list
            elements: str
            choices: [GET, PUT, POST, DELETE, HEAD]
            required: true
          headers:
            description: Request headers that they may send; V(*) for all.
            type: list
            elements: str
            default: []
          expose:
            description: Response headers that their scripts may read.
            type: list
            elements: str
            default: []
          max_age:
            description: Seconds for which a browser may remember the answer.
            type: int
      grants:
        description: What each key may do with the bucket. A key of this list has exactly the rights given here.
        type: list
        elements: dict
        suboptions:
          key_id:
            description: Access key id.
            type: str
            required: true
          read:
            description: Whether it may list and read.
            type: bool
            default: false
          write:
            description: Whether it may write and delete objects.
            type: bool
            default: false
          owner:
            description: Whether it may change the bucket's settings over S3.
            type: bool
            default: false
      purge_grants:
        description:
          - Whether keys that O(buckets[].grants) does not list lose all rights.
          - Without effect if O(buckets[].grants) is unset.
        type: bool
        default: true
author:
  - selfhost.aistack contributors (@selfhost-aistack)
"""

EXAMPLES = r"""
- name: One node, one key, one bucket
  selfhost.aistack.garage_cluster:
    admin_token: "{{ garage_admin_token }}"
    layout:
      nodes:
        - {zone: home, capacity: 100G}
    keys:
      - {id: "{{ app_s3_key_id }}", secret: "{{ app_s3_secret }}", name: app}
    buckets:
      - name: app-temp
        grants:
          - {key_id: "{{ app_s3_key_id }}", read: true, write: true}
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
    - {kind: bucket, name: results, action: change, why: [website]}
layout:
  description: Version, roles and zone redundancy after the run.
  returned: if O(layout) is set
  type: dict
buckets:
  description: All facets of each bucket by its name, rules in the form of Garage's admin API.
  returned: success
  type: dict
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.selfhost.aistack.plugins.module_utils._changes import answer
from ansible_collections.selfhost.aistack.plugins.module_utils._garage import (
    GarageError,
    GarageUnsure,
    client_from_params,
    garage_argument_spec,
)
from ansible_collections.selfhost.aistack.plugins.module_utils._garage_bucket import bucket_argument_spec
from ansible_collections.selfhost.aistack.plugins.module_utils._garage_cluster import converge_cluster
from ansible_collections.selfhost.aistack.plugins.module_utils._garage_key import key_argument_spec
from ansible_collections.selfhost.aistack.plugins.module_utils._garage_layout import layout_argument_spec
from ansible_collections.selfhost.aistack.plugins.module_utils._host_lock import LockTimeout


def converged(params, check_mode):
    """The result, or in check mode the prediction, which is that nothing changes where a Garage that may be away is away."""
    try:
        return converge_cluster(client_from_params(params, check_mode), params, check_mode)
    except GarageError as problem:
        away = isinstance(problem, GarageUnsure) or problem.status == 403
        if not (check_mode and params["may_be_away"] and away):
            raise
        warning = "Garage cannot be asked before the real run puts it right, so no change of its layout, keys and buckets is foretold: %s"
        return {"changed": False, "changes": [], "buckets": {}, "diff": [], "warnings": [warning % problem]}


def main():
    """Entry point of the module."""
    spec = dict(
        garage_argument_spec(),
        may_be_away={"type": "bool", "default": False},
        layout={"type": "dict", "options": layout_argument_spec()},
        keys={"type": "list", "elements": "dict", "default": [], "options": key_argument_spec(), "no_log": False},
        buckets={"type": "list", "elements": "dict", "default": [], "options": bucket_argument_spec()},
    )
    module = AnsibleModule(argument_spec=spec, supports_check_mode=True)
    try:
        result = converged(module.params, module.check_mode)
    except (GarageError, LockTimeout) as problem:
        module.fail_json(msg=str(problem))
    answer(module, result)


if __name__ == "__main__":
    main()
