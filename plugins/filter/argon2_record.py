# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: argon2_record
version_added: 0.1.0
short_description: The argon2id record of a password
description:
  - Returns the record that is stored in place of a password, in the PHC string format, with 64 MiB of memory, 3 passes, 4
    lanes and a hash of 32 bytes.
  - The same password and salt give the same record, so a second run changes nothing. Another password gives another one.
author: selfhost.aistack contributors (@selfhost-aistack)
positional: salt
options:
  _input:
    description: The password, at most 200 characters.
    type: str
    required: true
  salt:
    description:
      - A random text of at least 16 characters, of which the salt is derived. Each user needs one of their own, and it
        must be kept, for instance by P(selfhost.aistack.secret#lookup).
    type: str
    required: true
"""

EXAMPLES = r"""
- name: The record of a user whose password and salt are kept beside the inventory
  vars:
    password: "{{ lookup('selfhost.aistack.secret', 'jane_password') }}"
    salt: "{{ lookup('selfhost.aistack.secret', 'jane_salt') }}"
  ansible.builtin.copy:
    content: "jane:{{ password | selfhost.aistack.argon2_record(salt) }}\n"
    dest: /etc/example/users
    mode: "0600"
# => jane:$argon2id$v=19$m=65536,t=3,p=4$...
"""

RETURN = r"""
_value:
  description: The record.
  type: str
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.selfhost.aistack.plugins.plugin_utils.password_record import record


def argon2_record(password: str, salt: str) -> str:
    """The record of `password`; an AnsibleFilterError with one sentence when there can be none."""
    try:
        return record(password, salt)
    except ValueError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """The filter argon2_record."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"argon2_record": argon2_record}
