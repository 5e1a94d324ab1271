# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: compose_value
version_added: 0.1.0
short_description: Write a value into a compose file
description:
  - Returns a value as it stands behind a key of a compose file, on one line, so that Docker Compose reads the same value,
    whatever dollar signs, quotes, backslashes, line ends or characters beyond U+FFFF it holds.
  - It is for values that may hold anything. A value whose form was checked needs no more than quotes.
author: selfhost.aistack contributors (@selfhost-aistack)
options:
  _input:
    description: A text, a number, a boolean, or a list or dictionary of these.
    type: raw
    required: true
"""

EXAMPLES = r"""
- name: Write a compose file
  vars:
    build_args: {GREETING: 'it costs $5'}
  ansible.builtin.copy:
    content: |
      services:
        app:
          build:
            context: ./app
            args: {{ build_args | selfhost.aistack.compose_value }}
    dest: /opt/example/compose.yml
    mode: "0600"
# => args: {"GREETING": "it costs $$5"}
"""

RETURN = r"""
_value:
  description: The text to put behind the key.
  type: str
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.selfhost.aistack.plugins.plugin_utils.compose_value import render


def compose_value(value: Any) -> str:
    """The value for a compose file; an AnsibleFilterError with one sentence where it cannot stand in it."""
    try:
        return render(value)
    except ValueError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """The filter compose_value."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"compose_value": compose_value}
