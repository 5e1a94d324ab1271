# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""End the play where settings cannot work."""

from __future__ import annotations

from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):
    """All of settings_check; it stays on the controller."""

    _requires_connection = False

    def run(self, tmp=None, task_vars=None):
        super().run(tmp, task_vars)
        _result, args = self.validate_argument_spec(
            argument_spec={"problems": {"type": "list", "elements": "str", "required": True}}
        )
        problems = args["problems"]
        return {"changed": False, "failed": bool(problems), "msg": "\n".join(problems), "problems": problems}
