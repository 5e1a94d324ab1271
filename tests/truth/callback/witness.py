# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from pathlib import Path

from ansible.playbook.task import Task
from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: witness
type: aggregate
short_description: Writes down everything that a callback plugin is given
description:
  - Appends one line of JSON for each event, with results and tasks as they are, options of modules included. Plugins that feed
    log servers and reports do so.
options:
  output:
    description: The file to append to.
    type: path
    required: true
    env:
      - name: AISTACK_WITNESS
"""


class CallbackModule(CallbackBase):
    """Writes everything."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "witness"
    CALLBACK_NEEDS_ENABLED = True

    def v2_on_any(self, *args, **kwargs):
        said = [_shown(thing) for thing in [*args, *kwargs.values()]]
        with Path(self.get_option("output")).open("a", encoding="utf-8") as file:
            file.write(json.dumps(said, default=repr, ensure_ascii=False) + "\n")


def _shown(thing):
    if isinstance(thing, Task):
        return {"task": thing.dump_attrs()}
    if hasattr(thing, "result") and hasattr(thing, "task"):
        return {"host": thing.host.get_name(), "result": thing.result, "task": thing.task.dump_attrs()}
    return repr(thing)
