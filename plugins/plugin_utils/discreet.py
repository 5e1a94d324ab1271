# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Actions that leave no secret in what callback plugins are given.

Private to the collection.

Ansible hands every callback plugin the task with its options as they were for the host, secrets included, whatever a
module's `no_log` says: that rules results and the log of the host alone. So an action takes the secrets out of the
options again once it is done with them.
"""

from __future__ import annotations

from ansible.plugins.action import ActionBase
from ansible.plugins.action.normal import ActionModule as NormalAction

from ansible_collections.selfhost.aistack.plugins.module_utils._diff import secret_digest

#: Options of the collection's modules that hold secrets, at whatever depth; all below one of them is hidden.
SECRET_OPTIONS = frozenset(
    {"admin_token", "api_key", "content", "env", "headers", "password", "secret", "secret_key", "session_token"}
)
_GIVEN = "_aistack_given_args"


def shown(value):
    """Options as callback plugins may see them: each secret as the beginning of its digest."""
    if isinstance(value, dict):
        return {key: _hidden(item) if key in SECRET_OPTIONS else shown(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [shown(item) for item in value]
    return value


def _hidden(value):
    if isinstance(value, dict):
        return {key: _hidden(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_hidden(item) for item in value]
    return secret_digest(value if value is None else str(value))


class DiscreetAction(ActionBase):
    """An action whose task tells no secrets afterwards."""

    def __init__(self, task, *args, **kwargs):
        # Every further attempt (until, retries) is a new action of the same task, and needs what the first one was given.
        task.args = getattr(task, _GIVEN, task.args)
        super().__init__(task, *args, **kwargs)

    def cleanup(self, force=False):
        """Called by Ansible after each run of the action, also one that failed."""
        super().cleanup(force)
        if not hasattr(self._task, _GIVEN):
            setattr(self._task, _GIVEN, self._task.args)
        self._task.args = shown(getattr(self._task, _GIVEN))


class DiscreetModule(DiscreetAction, NormalAction):
    """Runs the module of the same name, as Ansible does for a module that has no action."""
