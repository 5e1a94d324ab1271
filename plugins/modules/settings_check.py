# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Entirely an action: it runs on the controller.

from __future__ import annotations

DOCUMENTATION = r"""
module: settings_check
short_description: End the play where settings cannot work, with one sentence each
version_added: 0.1.0
author:
  - selfhost.aistack contributors (@selfhost-aistack)
description:
  - Fails if there are problems, and says them one a line. It never opens a connection to the host.
  - Unlike M(ansible.builtin.assert) it works its argument out once, which matters where hundreds of settings are checked in every run.
options:
  problems:
    description: Sentences, as the C(check_) filters of this collection return them. An empty list is well.
    type: list
    elements: str
    required: true
attributes:
  check_mode:
    description: Fails in check mode too.
    support: full
  diff_mode:
    description: There is nothing that could differ.
    support: none
"""

EXAMPLES = r"""
- name: Refuse values that cannot work, before anything changes
  selfhost.aistack.settings_check:
    problems: >-
      {{ cache_port | selfhost.aistack.check_port('cache_port')
       + cache_memory | selfhost.aistack.check_memory('cache_memory') }}
"""

RETURN = r"""
problems:
  description: The sentences.
  returned: always
  type: list
  elements: str
  sample: []
"""
