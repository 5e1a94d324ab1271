# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps what the last converge and the last check of a scenario changed, in words, for the steps after them.

A list of {task, what} lands in converge.json, or check.json for a check run, in Molecule's folder of the scenario. `what`
is a phrase for each file, service or setting; a run and the check run that foretold it must give the same list.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

from ansible import context
from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: changes
type: notification
short_description: Keeps what a converge or a check run changed
description:
  - Writes the changes of a run of C(converge.yml) into Molecule's folder of the scenario.
author: selfhost.aistack contributors (@selfhost-aistack)
"""


class CallbackModule(CallbackBase):
    """The callback changes."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "changes"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._wanted = False
        self._changes: list[dict[str, str]] = []

    def v2_playbook_on_start(self, playbook) -> None:
        """Look at converge.yml only; every other playbook of a scenario is a tool."""
        self._wanted = Path(playbook._file_name).name == "converge.yml"

    def v2_runner_on_ok(self, result) -> None:
        """Take over what a task changed; a task with a loop comes here once, with the results of all items."""
        for item in result.result.get("results", [result.result]):
            if item.get("changed"):
                self._changes += [{"task": result.task.get_name(), "what": what} for what in _phrases(item)]

    def v2_playbook_on_stats(self, stats) -> None:
        """Write the list."""
        if self._wanted:
            name = "check.json" if context.CLIARGS["check"] else "converge.json"
            folder = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"])
            (folder / name).write_text(json.dumps(self._changes, indent=1) + "\n", encoding="utf-8")


def _phrases(result: dict) -> Iterator[str]:
    """Say what a result changed. One that says it in no known way counts as one change."""
    phrases = [
        *(f"file {entry['path']}" for entry in result.get("files", []) if isinstance(entry, dict) and entry["changed"]),
        *(
            f"service {name}: {', '.join(service['why'])}"
            for name, service in result.get("services", {}).items()
            if service["changed"]
        ),
        *(f"volume {name}" for name in result.get("volumes", [])),
        *(f"network {name}" for name in result.get("networks", [])),
        *(f"setting {name}" for diff in _diffs(result) for name in _differing(diff)),
    ]
    yield from phrases or ["changed"]


def _diffs(result: dict) -> list:
    """Return the diffs of a result: a module that converges several things gives one for each."""
    diff = result.get("diff")
    return diff if isinstance(diff, list) else [diff]


def _differing(diff: object) -> list[str]:
    """Return the names in a diff of settings; a diff of texts has none."""
    before, after = (diff.get(side) if isinstance(diff, dict) else None for side in ("before", "after"))
    if not isinstance(before, dict) or not isinstance(after, dict):
        return []
    return sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
