# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import time
from pathlib import Path

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: tally
type: aggregate
short_description: Counts what a run costs
description:
  - Writes a JSON file with the seconds of every play and the tasks that went to a managed host, one entry for each host
    and loop item, with their seconds.
  - A task counts as remote unless its action never leaves the controller or it is delegated to localhost.
options:
  output:
    description: The file to write.
    type: path
    required: true
    env:
      - name: AISTACK_TALLY
"""

# Actions that never open a connection.
_LOCAL = {
    "add_host",
    "assert",
    "debug",
    "fail",
    "group_by",
    "include_role",
    "include_tasks",
    "include_vars",
    "meta",
    "set_fact",
    "set_stats",
    "settings_check",
    "validate_argument_spec",
}


class CallbackModule(CallbackBase):
    """Tallies plays and remote tasks."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "tally"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self):
        super().__init__()
        self._plays = []
        self._remote = []
        self._task_began = time.monotonic()
        self._run_began = time.monotonic()

    def v2_playbook_on_play_start(self, play):
        self._plays.append((play.get_name().strip(), time.monotonic()))

    def v2_playbook_on_task_start(self, task, is_conditional):
        self._task_began = time.monotonic()

    def v2_playbook_on_handler_task_start(self, task):
        self._task_began = time.monotonic()

    def v2_runner_on_ok(self, result):
        self._count(result)

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self._count(result)

    def v2_playbook_on_stats(self, stats):
        end = time.monotonic()
        begins = [began for _name, began in self._plays]
        written = {
            "wall_s": round(end - self._run_began, 2),
            "plays": {
                name: round(until - began, 2)
                for (name, began), until in zip(self._plays, [*begins[1:], end], strict=True)
            },
            "remote_tasks": self._remote,
            "changed": sum(stats.changed.values()),
        }
        Path(self.get_option("output")).write_text(json.dumps(written), encoding="utf-8")

    def _count(self, result):
        task = result.task
        if task.action.rpartition(".")[2] in _LOCAL or task.delegate_to in ("localhost", "127.0.0.1"):
            return
        answer = result.result
        items = answer.get("results") if task.loop is not None else None
        runs = [item for item in items if not item.get("skipped")] if items is not None else [answer]
        seconds = round(time.monotonic() - self._task_began, 2)
        self._remote += [{"task": task.get_name().strip(), "seconds": seconds} for _run in runs]
