#!/usr/bin/python
# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: s3_bucket
version_added: 0.1.0
short_description: Create a bucket on any S3 server and converge what is configured on it
description:
  - Creates a bucket, and gives the facets that are set (O(lifecycle), O(cors), O(versioning), O(encryption),
    O(public_read) or O(policy), O(tags)) exactly the value asked for. A facet that is not set is not touched.
  - Works with AWS and with servers that speak its protocol, such as Garage. A facet that the server does not have is an
    error if it is set, and of no concern if it is not. Asking for its empty value is fulfilled on such a server.
  - Creates only if the server says that there is no such bucket. A refusal (403) is told as what it is, and a wrong region
    with the right one.
  - Reads back what it wrote, and fails if the server accepted a value and did not keep it.
  - Lifecycle rules have no order; CORS rules have one, because the first that matches applies.
  - For buckets of Garage that need more than one key, quotas or website access, use M(selfhost.aistack.garage_bucket).
author: selfhost.aistack contributors (@selfhost-aistack)
requirements:
  - boto3 on the host that the module runs on, which may be the controller (C(delegate_to=localhost))
attributes:
  check_mode:
    support: full
    description: >-
      Of a bucket that does not exist yet it cannot be known whether the server has every facet asked for.
  diff_mode:
    support: full
    description: Shows each facet that differs.
options:
  name:
    description: Name of the bucket, 3 to 63 lowercase letters, digits, dots and hyphens.
    type: str
    required: true
  state:
    description:
      - V(present) creates and converges the bucket.
      - V(absent) removes an empty bucket. One that holds objects, old versions or unfinished uploads is an error.
    type: str
    choices: [present, absent]
    default: present
  endpoint_url:
    description: URL of the S3 server, such as C(http://127.0.0.1:3900). If unset, AWS.
    type: str
  region:
    description: >-
      Region that requests are signed for and in which the bucket must be. Garage wants its own C(s3_region).
    type: str
    required: true
  access_key:
    description: >-
      Access key ID. If unset, boto3 looks for keys itself (environment, its files, the machine's role).
    type: str
  secret_key:
    description: Secret access key.
    type: str
  session_token:
    description: Session token of temporary keys.
    type: str
  ca_file:
    description: >-
      File, PEM, with the authorities to trust for an https O(endpoint_url); if unset, the ones that come with boto3.
    type: path
  addressing_style:
    description: >-
      Where the bucket's name stands: in the path, or in the host name. V(auto) takes the path with an O(endpoint_url) and
      the host name on AWS.
    type: str
    choices: [auto, path, virtual]
    default: auto
  checksums:
    description: >-
      Whether requests carry the newer checksums. Some older servers reject them and want V(when_required).
    type: str
    choices: [when_supported, when_required]
    default: when_supported
  lifecycle:
    description: All lifecycle rules of the bucket; others are removed. An empty list removes every rule.
    type: list
    elements: dict
    suboptions:
      id:
        description: Name of the rule, unique in the bucket.
        type: str
        required: true
      prefix:
        description: Beginning of the keys that the rule is for; all keys if empty.
        type: str
        default: ''
      expire_days:
        description: Delete objects this many days after they were written.
        type: int
      noncurrent_days:
        description: Delete old versions this many days after they were replaced. Needs versions; Garage has none.
        type: int
      abort_multipart_days:
        description: Drop uploads that are unfinished this many days after they began.
        type: int
      enabled:
        description: Whether the rule applies.
        type: bool
        default: true
  cors:
    description: All CORS rules of the bucket, in order; others are removed. An empty list removes every rule.
    type: list
    elements: dict
    suboptions:
      origins:
        description: Origins that may ask, such as C(https://reflow.example.org), or V(*).
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
  versioning:
    description: >-
      Whether a written object replaces its older versions. V(suspended) also stands for a bucket that never had versions.
    type: str
    choices: [enabled, suspended]
  encryption:
    description: >-
      Encryption at rest by the server with its own keys. AWS encrypts always, so that V(none) is an error there.
    type: str
    choices: [AES256, none]
  public_read:
    description:
      - Whether everybody may read objects without keys, by a statement in the bucket's policy. Other statements stay.
      - V(true) also lifts what a public access block on the bucket has against such a policy.
      - V(false) removes every statement that lets everybody read objects without a condition.
    type: bool
  public_read_prefixes:
    description: Beginnings of the keys that O(public_read) opens. If unset, all keys.
    type: list
    elements: str
  policy:
    description: >-
      The whole policy of the bucket, as a mapping or as JSON text; V({}) removes it. Excludes O(public_read).
    type: json
  tags:
    description: All tags of the bucket; others are removed, except those of the provider (C(aws:...)).
    type: dict
"""

EXAMPLES = r"""
- name: Temporary files, swept after a week
  selfhost.aistack.s3_bucket:
    name: reflow-temp
    endpoint_url: http://127.0.0.1:3900
    region: garage
    access_key: "{{ garage_access_key }}"
    secret_key: "{{ garage_secret_key }}"
    lifecycle:
      - {id: sweep, expire_days: 7, abort_multipart_days: 1}

- name: Results on AWS, readable by browsers
  delegate_to: localhost
  selfhost.aistack.s3_bucket:
    name: reflow-results
    region: eu-central-1
    versioning: enabled
    encryption: AES256
    public_read: true
    cors:
      - origins: ["https://reflow.example.org"]
        methods: [GET, HEAD]
        expose: [ETag]
        max_age: 3000
    tags: {service: reflow}
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
    - {kind: bucket, name: results, action: change, why: [lifecycle]}
exists:
  description: Whether the bucket is there after the task (or would be, in check mode).
  returned: success
  type: bool
  sample: true
facets:
  description: The facets that were asked for, with the value they have after the task (or would have, in check mode).
  returned: success
  type: dict
  sample:
    versioning: enabled
    lifecycle: {sweep: {enabled: true, prefix: "", expire_days: 7, abort_multipart_days: 1}}
"""

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ansible_collections.selfhost.aistack.plugins.module_utils._s3 import BOTO3_PROBLEM, S3Error, s3_argument_spec
from ansible_collections.selfhost.aistack.plugins.module_utils._s3_bucket import converge, problem


def facet_spec():
    """The options that describe the bucket."""
    lifecycle = {
        "id": {"type": "str", "required": True},
        "prefix": {"type": "str", "default": ""},
        "expire_days": {"type": "int"},
        "noncurrent_days": {"type": "int"},
        "abort_multipart_days": {"type": "int"},
        "enabled": {"type": "bool", "default": True},
    }
    methods = ["GET", "PUT", "POST", "DELETE", "HEAD"]
    cors = {
        "origins": {"type": "list", "elements": "str", "required": True},
        "methods": {"type": "list", "elements": "str", "choices": methods, "required": True},
        "headers": {"type": "list", "elements": "str", "default": []},
        "expose": {"type": "list", "elements": "str", "default": []},
        "max_age": {"type": "int"},
    }
    return {
        "name": {"type": "str", "required": True},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "lifecycle": {"type": "list", "elements": "dict", "options": lifecycle},
        "cors": {"type": "list", "elements": "dict", "options": cors},
        "versioning": {"type": "str", "choices": ["enabled", "suspended"]},
        "encryption": {"type": "str", "choices": ["AES256", "none"]},
        "public_read": {"type": "bool"},
        "public_read_prefixes": {"type": "list", "elements": "str"},
        "policy": {"type": "json"},
        "tags": {"type": "dict"},
    }


def main():
    """Entry point of the module."""
    module = AnsibleModule(
        argument_spec=dict(s3_argument_spec(), **facet_spec()),
        mutually_exclusive=[("public_read", "policy")],
        required_together=[("access_key", "secret_key")],
        required_by={"session_token": ["access_key"]},
        supports_check_mode=True,
    )
    if BOTO3_PROBLEM:
        module.fail_json(msg=missing_required_lib("boto3"), exception=BOTO3_PROBLEM)
    wrong = problem(module.params)
    if wrong:
        module.fail_json(msg=wrong)
    try:
        result = converge(module.params, module.check_mode)
    except S3Error as exc:
        module.fail_json(msg=str(exc))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
