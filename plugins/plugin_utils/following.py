# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An action that follows a job of its module on the host and tells what it is doing.

Private to the collection.
"""

from __future__ import annotations

import time

from ansible_collections.selfhost.aistack.plugins.plugin_utils.discreet import DiscreetAction


class FollowingAction(DiscreetAction):
    """Calls a module until it has ended: one silent call for short work, a line about every ten seconds of long work."""

    def follow(self, module, args, again, name, task_vars):
        """The module's result. args: of the first call; again: of those that follow, besides attach; name: begins the lines."""
        began = time.monotonic()
        result = self._execute_module(module_name=module, module_args=args, task_vars=task_vars)
        while result.get("job"):
            spent = time.monotonic() - began
            host = task_vars.get("inventory_hostname", "")
            self._display.display(f"  [{host}] {name}: {result['doing']} ({spent:.0f} s)")
            attach = dict(again, attach=result["job"])
            result = self._execute_module(module_name=module, module_args=attach, task_vars=task_vars)
        return result
