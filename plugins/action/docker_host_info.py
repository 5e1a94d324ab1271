# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The first look at a host: says in one sentence why it could not be taken, compares the clocks, and keeps what was seen of apps."""

from __future__ import annotations

import time

from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.plugins.action import ActionBase

from ansible_collections.selfhost.aistack.plugins.plugin_utils import clock, reach
from ansible_collections.selfhost.aistack.plugins.plugin_utils.look_ahead import LookAhead


class ActionModule(ActionBase):
    """docker_host_info's half on the controller."""

    _requires_connection = True

    def run(self, tmp=None, task_vars=None):
        super().run(tmp, task_vars)
        known = LookAhead.where_wanted(self._templar, task_vars)
        args = dict(self._task.args, look_ahead=bool(known))
        host = self._host(task_vars)
        before = time.time()
        try:
            result = self._execute_module(module_args=args, task_vars=task_vars)
        except AnsibleConnectionFailure as error:
            if self._connection.transport != "ssh":
                raise
            raise AnsibleConnectionFailure(reach.unreachable(host, error.message)) from None
        except AnsibleError as error:
            sentence = reach.no_root(host, error.message)
            if not sentence:
                raise
            raise AnsibleError(sentence) from None
        after = time.time()
        if result.get("failed"):
            return self._reworded(host, result)
        settled_apps = result.pop("settled_apps")
        if known:
            known.remember("docker_host_info", settled_apps)
        result["problems"] = [
            *result["problems"],
            *clock.problems(host.name, before, result["time"], after, int(args.get("max_clock_skew", 60))),
        ]
        # What was compared is what is done: a later play does not see the other roles by whose settings this was worked out.
        return dict(result, settings=args.get("settings"))

    def _host(self, task_vars):
        """The host as the inventory describes it; what the connection was told is right where variables differ."""
        context = self._play_context
        return reach.Host(
            name=task_vars.get("inventory_hostname", ""),
            address=str(context.remote_addr or ""),
            port=int(context.port or 22),
            user=str(context.remote_user or ""),
            become=self._connection.become.name.rpartition(".")[2] if self._connection.become else "sudo",
        )

    def _reworded(self, host, result):
        """A failure before the module could speak for itself, in our words if we have any."""
        told = "\n".join(str(result.get(part, "")) for part in ("msg", "module_stdout", "module_stderr"))
        interpreter = (self._used_interpreter or "").lstrip("#!")
        sentence = reach.no_root(host, told) or reach.no_python(host, told, interpreter)
        return {"failed": True, "msg": sentence} if sentence else result
