# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import signal

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: cut
type: aggregate
short_description: Kills the controller when a task of a given number starts
description:
  - Ends the process by SIGKILL, with all of its process group, before the task does anything.
options:
  task:
    description: Number of the task, counted from 1 in the order in which tasks start.
    type: int
    required: true
    env:
      - name: AISTACK_CUT_TASK
"""


class CallbackModule(CallbackBase):
    """Counts tasks and ends."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "cut"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self):
        super().__init__()
        self._started = 0

    def v2_playbook_on_task_start(self, task, is_conditional):
        self._started += 1
        if self._started == self.get_option("task"):
            os.killpg(0, signal.SIGKILL)

    v2_playbook_on_handler_task_start = v2_playbook_on_task_start
