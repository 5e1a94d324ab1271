# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: garage_key
short_description: Import, converge or remove an S3 access key of Garage
version_added: 0.1.0
description:
  - Imports an access key whose id and secret come from the caller's secret store, and keeps its name and permission.
  - Garage cannot change the secret of a key and never takes the id of a deleted key again. Both are told as an error; to rotate a
    key, use a new id and secret, grant it its buckets, and remove the old id when nobody uses it any more.
  - The secret is never returned.
extends_documentation_fragment:
  - selfhost.aistack.garage
options:
  state:
    description:
      - V(present) imports the key or converges it.
      - V(absent) removes it together with its grants, for ever.
    type: str
    choices: [present, absent]
    default: present
  id:
    description:
      - Access key id.
      - For O(state=present), C(GK) and 24 lowercase hexadecimal digits, the form that every Garage 2 takes.
    type: str
    required: true
  secret:
    description: Secret access key, 64 lowercase hexadecimal digits. Required for O(state=present).
    type: str
  name:
    description: Name shown beside the id. If unset, it is kept; an imported key is then called C(Imported key).
    type: str
  create_bucket:
    description: Whether the key may create buckets over S3.
    type: bool
    default: false
notes:
  - A key of O(state=present) does not expire; an expiry that somebody else set is taken away.
author:
  - selfhost.aistack contributors (@selfhost-aistack)
"""

EXAMPLES = r"""
- name: Import the application's key
  selfhost.aistack.garage_key:
    admin_token: "{{ garage_admin_token }}"
    id: "{{ app_s3_key_id }}"
    secret: "{{ app_s3_secret }}"
    name: app

- name: Remove a key that was rotated out
  selfhost.aistack.garage_key:
    admin_token: "{{ garage_admin_token }}"
    id: "{{ old_s3_key_id }}"
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
    - {kind: key, name: gateway, action: create, why: [id, secret, name]}
id:
  description: Access key id.
  returned: success
  type: str
  sample: GK0123456789abcdef01234567
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.selfhost.aistack.plugins.module_utils._garage import (
    GarageError,
    client_from_params,
    garage_argument_spec,
)
from ansible_collections.selfhost.aistack.plugins.module_utils._garage_key import converge_key, key_argument_spec


def main():
    """Entry point of the module."""
    spec = dict(
        garage_argument_spec(),
        state={"type": "str", "choices": ["present", "absent"], "default": "present"},
        **key_argument_spec(),
    )
    module = AnsibleModule(argument_spec=spec, supports_check_mode=True)
    try:
        client = client_from_params(module.params, module.check_mode)
        result = converge_key(client, module.params, module.check_mode)
    except GarageError as problem:
        module.fail_json(msg=str(problem))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
