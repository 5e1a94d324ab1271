# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: garage_bucket
short_description: Converge a bucket of Garage with its aliases, quotas, website, lifecycle, CORS and grants
version_added: 0.1.0
description:
  - Creates a bucket and converges what the options mention. What they do not mention is left as it is.
  - With nothing to change it is one request. After a change everything is read back; a setting that Garage accepted but did not keep,
    as versions before 2.3 do with O(lifecycle) and O(cors), is an error.
  - A bucket is removed only while it is empty.
extends_documentation_fragment:
  - selfhost.aistack.garage
options:
  state:
    description:
      - V(present) creates and converges the bucket.
      - V(absent) removes it with its aliases and grants if it holds neither objects nor unfinished uploads, and fails otherwise.
        Garage counts uploads some seconds late, so stop the writers first.
    type: str
    choices: [present, absent]
    default: present
  name:
    description: Name of the bucket, a global alias. 3 to 63 lowercase letters, digits, hyphens and dots.
    type: str
    required: true
  aliases:
    description: Further global aliases. Others are removed; V([]) leaves the bucket its O(name) only.
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
      - Whether keys that O(grants) does not list lose all rights.
      - Without effect if O(grants) is unset.
    type: bool
    default: true
author:
  - selfhost.aistack contributors (@selfhost-aistack)
"""

EXAMPLES = r"""
- name: A bucket for temporary files of one application
  selfhost.aistack.garage_bucket:
    admin_token: "{{ garage_admin_token }}"
    name: app-temp
    quotas:
      max_size: 50G
    lifecycle:
      - {id: expire, prefix: tmp/, expire_days: 7}
      - {id: uploads, abort_multipart_days: 2}
    grants:
      - {key_id: "{{ app_s3_key_id }}", read: true, write: true}

- name: Public results that a browser application may read
  selfhost.aistack.garage_bucket:
    admin_token: "{{ garage_admin_token }}"
    name: app-results
    website:
      enabled: true
    cors:
      - {origins: ["https://app.example.org"], methods: [GET, HEAD], max_age: 3600}

- name: Remove an empty bucket
  selfhost.aistack.garage_bucket:
    admin_token: "{{ garage_admin_token }}"
    name: app-old
    state: absent
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
id:
  description: Garage's own id of the bucket, 64 hexadecimal digits.
  returned: if the bucket is there after the run
  type: str
bucket:
  description: All facets of the bucket after the run, rules in the form of Garage's admin API.
  returned: if the bucket is there after the run
  type: dict
  sample:
    aliases: [app-temp]
    cors: []
    grants: {GK0123456789abcdef01234567: [read, write]}
    lifecycle: [{ID: uploads, Status: Enabled, AbortIncompleteMultipartUpload: {DaysAfterInitiation: 2}}]
    max_objects: null
    max_size: 50000000000
    website: false
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.selfhost.aistack.plugins.module_utils._garage import (
    GarageError,
    client_from_params,
    garage_argument_spec,
)
from ansible_collections.selfhost.aistack.plugins.module_utils._garage_bucket import (
    bucket_argument_spec,
    converge_bucket,
)


def main():
    """Entry point of the module."""
    spec = dict(
        garage_argument_spec(),
        state={"type": "str", "choices": ["present", "absent"], "default": "present"},
        **bucket_argument_spec(),
    )
    module = AnsibleModule(argument_spec=spec, supports_check_mode=True)
    try:
        # What is wrong with the options is told even where Garage does not answer.
        client = client_from_params(module.params, module.check_mode)
        result = converge_bucket(client, module.params, module.check_mode)
    except GarageError as problem:
        module.fail_json(msg=str(problem))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
