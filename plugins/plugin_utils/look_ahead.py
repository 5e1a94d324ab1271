# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one task has seen of the apps of a host, for the tasks of the same run that come after it.

It is docker_host_info's, at the first look at the host, or that of an app that changes nothing.

Private to the collection.

Tasks run in processes of their own, so it passes through a file in the temporary folder of the run, which is private and
removed at its end. It holds digests and states, no secrets. It is old after 60 seconds, and gone as soon as an app changes.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time

from ansible import constants
from ansible.module_utils.parsing.convert_bool import boolean

FRESH_S = 60


class LookAhead:
    """What is known of the apps of one host."""

    def __init__(self, host, folder=None):
        """host: its name in the inventory. folder: of the run's temporary files."""
        name = hashlib.sha256(host.encode()).hexdigest()[:16]
        self._path = os.path.join(folder or constants.DEFAULT_LOCAL_TMP, f"aistack-look-{name}.json")

    @classmethod
    def where_wanted(cls, templar, task_vars):
        """What is known of the task's host where the playbook allows that it is used (aistack_look_ahead); otherwise None."""
        wanted = templar.template(task_vars.get("aistack_look_ahead", False))
        return cls(task_vars["inventory_hostname"]) if boolean(wanted) else None

    def remember(self, app, settled):
        """Keep what the task of `app` has seen of the others, or docker_host_info of all."""
        with open(self._path, "w", encoding="utf-8") as file:
            json.dump({"app": app, "at": time.monotonic(), "settled": settled}, file)

    def forget(self):
        """An app changes, and what was seen counts no more."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._path)

    def result_for(self, app, outline):
        """The result of the task of `app` if it was seen to be as the outline's digest says; otherwise None."""
        try:
            with open(self._path, encoding="utf-8") as file:
                seen = json.load(file)
        except FileNotFoundError:
            return None
        known = seen["settled"].get(app)
        if not known or known["outline"] != outline or time.monotonic() - seen["at"] > FRESH_S:
            return None
        return dict(known["result"], looked_at_with=seen["app"])
