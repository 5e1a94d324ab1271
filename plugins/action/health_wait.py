# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Follow a wait on the host and tell who is not ready yet while it lasts."""

from __future__ import annotations

from ansible_collections.selfhost.aistack.plugins.plugin_utils.following import FollowingAction


class ActionModule(FollowingAction):
    """health_wait's half on the controller."""

    _requires_connection = True

    def run(self, tmp=None, task_vars=None):
        super().run(tmp, task_vars)
        args = dict(self._task.args)
        return self.follow("selfhost.aistack.health_wait", args, {"targets": []}, "health_wait", task_vars)
