# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: compose_env
version_added: 0.1.0
short_description: The text of a Docker Compose env_file
description:
  - Writes a dictionary as the file that a service of Docker Compose names in C(env_file), so that every value arrives in
    the container unchanged, whatever dollar signs, quotes, hash signs, backslashes, blanks or line ends it holds.
  - The file is for the default format of Docker Compose, not for C(format=raw), C(docker run --env-file) or systemd.
  - M(selfhost.aistack.compose_app) does this by itself for its option O(selfhost.aistack.compose_app#module:env).
author: selfhost.aistack contributors (@selfhost-aistack)
options:
  _input:
    description:
      - Names and values, in the order of the file. Numbers are written in decimal, booleans as V(true) and V(false).
      - A value with a NUL character, one that is no UTF-8, one of 128 KiB or more, a list, a dictionary and null are
        refused with the name of the variable. No error shows a value.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Write the environment of a service
  ansible.builtin.copy:
    content: "{{ {'PASSWORD': 'p$w', 'WORKERS': 2, 'DEBUG': false} | selfhost.aistack.compose_env }}"
    dest: /opt/example/app.env
    mode: "0600"
# => PASSWORD="p$$w"
#    WORKERS="2"
#    DEBUG="false"
"""

RETURN = r"""
_value:
  description: The text of the file, one line for each variable.
  type: str
"""

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.selfhost.aistack.plugins.plugin_utils import env_file


def compose_env(env: Mapping[str, Any]) -> str:
    """The text of an env file for `env`; an AnsibleFilterError with one sentence for each variable that cannot stand in it."""
    try:
        return env_file.render(env)
    except ValueError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """The filter compose_env."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"compose_env": compose_env}
