# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An action that puts together what was registered on all hosts, shows it as a table and writes it as JSON.

Private to the collection.
"""

from __future__ import annotations

import json
import os

from ansible.plugins.action import ActionBase


class ReportAction(ActionBase):
    """Stays on the controller. C(rules) has collect(), table(), summary() and ERROR; C(variable) is where a user sets the path."""

    _requires_connection = False
    rules = None
    variable = ""

    def run(self, tmp=None, task_vars=None):
        super().run(tmp, task_vars)
        _result, args = self.validate_argument_spec(
            argument_spec={
                "hosts": {"type": "list", "elements": "str", "required": True},
                "json": {"type": "path", "default": ""},
            }
        )
        found = self.rules.collect(args["hosts"], task_vars["hostvars"])
        if args["json"]:
            self._write(args["json"], found)
        self._display.display("\n" + self.rules.table(found) + "\n")
        return dict(found, changed=False, msg=self.rules.summary(found))

    def _write(self, path, found):
        """Write the report; a report that nobody can read is an error of the whole run, not of a task."""
        try:
            with open(os.path.expanduser(path), "w", encoding="utf-8") as handle:
                json.dump(found, handle, indent=1)
                handle.write("\n")
        except OSError as error:
            why = f"{self.variable} is '{path}', which cannot be written ({error.strerror}): set it to a path in a folder that is there."
            found["errors"].append({"host": "-", "where": "report", "why": why})
            found["outcome"] = self.rules.ERROR
