# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from pathlib import Path

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: ledger
type: aggregate
short_description: Writes down what every task of a run came to
description:
  - Appends one line of JSON for each task that starts and for each result, as they come, so that a run that is killed leaves what it did.
options:
  output:
    description: The file to append to.
    type: path
    required: true
    env:
      - name: AISTACK_LEDGER
"""


class CallbackModule(CallbackBase):
    """Writes starts and results of tasks."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "ledger"
    CALLBACK_NEEDS_ENABLED = True

    def v2_playbook_on_task_start(self, task, is_conditional):
        self._write({"event": "start", "task": task.get_name().strip(), "action": task.action})

    v2_playbook_on_handler_task_start = v2_playbook_on_task_start

    def v2_runner_on_ok(self, result):
        self._result("ok", result)

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self._result("failed", result)

    def v2_runner_on_unreachable(self, result):
        self._result("unreachable", result)

    def v2_runner_on_skipped(self, result):
        self._result("skipped", result)

    def _result(self, event, result):
        answer = result.result
        # Of a loop every item is an answer of its own.
        for item in answer.get("results", [answer]) if result.task.loop is not None else [answer]:
            self._write(
                {
                    "event": "skipped" if item.get("skipped") else event,
                    "task": result.task.get_name().strip(),
                    "action": result.task.action,
                    "host": result.host.get_name(),
                    "changed": bool(item.get("changed")),
                    "changes": item.get("changes"),
                    "msg": item.get("msg", ""),
                }
            )

    def _write(self, entry):
        with Path(self.get_option("output")).open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry, default=str) + "\n")
