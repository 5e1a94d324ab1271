# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: reflow_proof
short_description: Prove from outside that a Reflow site does what its inventory says
version_added: 0.1.0
author:
  - selfhost.aistack contributors (@selfhost-aistack)
description:
  - Sends a real PDF through the front door, reads its Markdown back, and tries every class of route without, with wrong and with
    right credentials, result links, uploads, closed paths and inner ports.
  - Meant to run where users are, on the controller or any other machine that is not the site itself.
options:
  url:
    description: Address of the site, V(https://) and its name.
    type: str
    required: true
  address:
    description: Where to connect, for a site whose name no name server knows yet.
    type: str
    required: true
  ca:
    description: PEM text of the authority of the site's certificate. If unset, those of this machine are trusted.
    type: str
    default: ""
  api_key:
    description: An API key of the site.
    type: str
    default: ""
  api_key_header:
    description: Header of the API key.
    type: str
    default: X-API-Key
  user:
    description: Name to sign in with where there is no API key.
    type: str
    default: ""
  password:
    description: Password of O(user).
    type: str
    default: ""
  auth_mode:
    description: What the inventory says.
    type: str
    choices: [none, basic, oidc]
    required: true
  results_access:
    description: What the inventory says.
    type: str
    choices: [none, authenticated, public]
    required: true
  results_path:
    description: Path below which results lie.
    type: str
    default: /s3
  results_bucket:
    description: Bucket of results.
    type: str
    required: true
  temp_bucket:
    description: Bucket of uploads.
    type: str
    required: true
  http_port:
    description: Port that leads to HTTPS; V(0) if there is none.
    type: int
    default: 80
attributes:
  check_mode:
    description: Can run in check_mode and return changed status prediction without modifying target.
    support: none
  diff_mode:
    description: Will return details on what has changed (or possibly needs changing in check_mode), when in diff mode.
    support: none
"""

EXAMPLES = r"""
- name: Prove the site
  selfhost.aistack.reflow_proof:
    url: https://reflow.example.org
    address: 192.0.2.10
    api_key: "{{ reflow_api_key }}"
    auth_mode: basic
    results_access: authenticated
    results_bucket: reflow-results
    temp_bucket: reflow-temp
  delegate_to: localhost
"""

RETURN = r"""
proofs:
  description: Each RV(ignore:proof), whether it holds, and what was seen.
  returned: always
  type: list
  elements: dict
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.selfhost.aistack.plugins.module_utils._front_door import Access, SiteError
from ansible_collections.selfhost.aistack.plugins.module_utils._reflow_proof import prove

ACCESS = ("url", "address", "ca", "api_key", "api_key_header", "user", "password")


def main():
    """Prove all, then say what does not hold."""
    module = AnsibleModule(
        argument_spec={
            "url": {"type": "str", "required": True},
            "address": {"type": "str", "required": True},
            "ca": {"type": "str", "default": ""},
            "api_key": {"type": "str", "default": "", "no_log": True},
            "api_key_header": {"type": "str", "default": "X-API-Key", "no_log": False},
            "user": {"type": "str", "default": ""},
            "password": {"type": "str", "default": "", "no_log": True},
            "auth_mode": {"type": "str", "required": True, "choices": ["none", "basic", "oidc"]},
            "results_access": {"type": "str", "required": True, "choices": ["none", "authenticated", "public"]},
            "results_path": {"type": "str", "default": "/s3"},
            "results_bucket": {"type": "str", "required": True},
            "temp_bucket": {"type": "str", "required": True},
            "http_port": {"type": "int", "default": 80},
        },
    )
    access = Access(**{name: module.params[name] for name in ACCESS})
    site = {name: value for name, value in module.params.items() if name not in ACCESS}
    try:
        proofs = prove(access, site)
    except SiteError as exc:
        module.fail_json(msg=str(exc), proofs=[])
    broken = [proof for proof in proofs if not proof["holds"]]
    if broken:
        told = "; ".join(f"{proof['proof']}: no, saw {proof['saw']}" for proof in broken)
        module.fail_json(msg=f"{len(broken)} of {len(proofs)} proofs do not hold: {told}", proofs=proofs)
    module.exit_json(changed=False, proofs=proofs)


if __name__ == "__main__":
    main()
