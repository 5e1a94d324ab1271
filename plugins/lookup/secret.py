# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: secret
version_added: 0.1.0
short_description: A secret that is made at its first use and kept beside the inventory
description:
  - Returns the value of a secret. When there is none of that name yet, a random one is made and kept in a file on the
    controller, by default C(.secrets.yml) in the directory of the inventory.
  - The file is encrypted as a whole with Ansible Vault when the run has a vault password; a plain file of an earlier run
    is encrypted then. Without a vault password its mode is 0600 and each run warns once.
  - A kept value never changes by itself. Asking with another length, alphabet or prefix returns what is kept; asking with
    another class is an error. Two runs at once get the same value.
  - A file that cannot be read or understood is an error and is never overwritten.
  - In check mode, and in the playbook C(selfhost.aistack.drift), nothing is written. A secret that does not exist yet is then
    a value of the same shape that is forgotten again, and that is another one each time.
author: selfhost.aistack contributors (@selfhost-aistack)
options:
  _terms:
    description: Names of secrets, at most 200 printable characters each.
    type: list
    elements: str
    required: true
  length:
    description: Number of random characters of a new secret, from 8 to 4096. The prefix is not counted.
    type: int
    default: 32
  alphabet:
    description:
      - Characters of a new secret, either V(alnum) (letters and digits), V(digits), V(hex) (digits and a to f),
        V(lower) (small letters), V(urlsafe) (letters, digits, C(-) and C(_)), or at least 10 printable characters to draw from.
    type: str
    default: alnum
  prefix:
    description: Printable text in front of the random characters, for instance C(GK) for the identifier of a Garage key.
    type: str
    default: ''
  klass:
    description:
      - How the secret may be changed later; it is recorded when the secret is made.
      - When it is not given, a new secret is recorded as V(free) and a kept one is not compared.
    type: str
    choices:
      free: It can be replaced; whoever uses it is restarted with the new one.
      overlap: The old and the new value must be accepted side by side for a while.
      reencrypt: Stored data must be written again with the new value.
      never: It cannot be changed without losing what it protects.
  file:
    description:
      - Path of the file of secrets. It is needed when the run has no inventory file or directory, or when its
        inventories lie in different directories.
    type: path
    vars:
      - name: aistack_secrets_file
notes:
  - To keep a value of your own, write it into the file under RV(ignore:secrets) as C(NAME), with C(value) and C(class),
    by C(ansible-vault edit) where the file is encrypted.
  - Beside the file stands one of the same name with C(.lock) behind it. It is empty and stays.
"""

EXAMPLES = r"""
- name: Give a role its password
  vars:
    redis_password: "{{ lookup('selfhost.aistack.secret', 'redis_password', length=48, klass='overlap') }}"
  ansible.builtin.include_role:
    name: selfhost.aistack.redis

- name: A key identifier and a hexadecimal key
  ansible.builtin.set_fact:
    key_id: "{{ lookup('selfhost.aistack.secret', 'app_key_id', prefix='GK', length=24, alphabet='hex') }}"
    key: "{{ lookup('selfhost.aistack.secret', 'app_key', length=64, alphabet='hex', klass='overlap') }}"
  no_log: true
"""

RETURN = r"""
_raw:
  description: The values, in the order of the names.
  type: list
  elements: str
"""

from pathlib import Path
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible.utils.display import Display

from ansible_collections.selfhost.aistack.plugins.plugin_utils.secret_store import SecretStore, SecretStoreError, Shape

display = Display()


class LookupModule(LookupBase):
    """The lookup secret."""

    def run(self, terms: list[str], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[str]:
        variables = variables or {}
        self.set_options(var_options=variables, direct=kwargs)
        only_look = bool(variables.get("ansible_check_mode") or variables.get("aistack_look_only"))
        shape = Shape(
            length=self.get_option("length"), alphabet=self.get_option("alphabet"), prefix=self.get_option("prefix")
        )
        try:
            store = SecretStore(
                Path(self.get_option("file") or _file_beside_inventory(variables)),
                self._loader._vault.secrets or [],
                display.warning,
            )
            return [store.get(term, shape, self.get_option("klass"), only_look) for term in terms]
        except SecretStoreError as error:
            raise AnsibleLookupError(str(error)) from None


def _file_beside_inventory(variables: dict[str, Any]) -> Path:
    """The default place of the file: .secrets.yml in the one directory that the inventory of this run is in."""
    sources = [Path(source).absolute() for source in variables.get("ansible_inventory_sources") or []]
    directories = {source if source.is_dir() else source.parent for source in sources if source.exists()}
    if len(directories) == 1:
        return directories.pop() / ".secrets.yml"
    found = "no inventory file" if not directories else "inventories in " + " and ".join(map(str, sorted(directories)))
    raise SecretStoreError(
        f"The place of the secrets file is not known, because this run has {found}: "
        "name it with the option file of the lookup or with the variable aistack_secrets_file."
    )
