# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One form in which every module says what it changes, or in check mode would change.

Private to the collection.

A prediction can only be compared with what came true, and the drift of a whole site only be told in one table, if all modules
speak alike. So each of them returns `changes`, a list of what change() makes, which is empty exactly when `changed` is false.
It never holds a secret.
"""

from __future__ import annotations

# Why something that no run would leave is removed.
LEFT = "left by a run that was cut off"


def change(kind, name, action, why=()):
    """One thing that changes.

    kind: what it is, in the terms of its owner: file, image, service, volume, network, sysctl, key, bucket...
    name: which one; the same in check mode and in a real run. action: the verb, such as create, change, remove, recreate.
    why: phrases that tell what differs.
    """
    return {"kind": kind, "name": name, "action": action, "why": list(why)}


def answer(module, result):
    """End a module with its result, whose C(warnings) are told the way Ansible wants it. Never returns."""
    for warning in result.pop("warnings", []):
        module.warn(warning)
    module.exit_json(**result)


def verb(before, after):
    """create, change or remove, by what there is before and after (None: nothing)."""
    if before is None:
        return "create"
    return "remove" if after is None else "change"
