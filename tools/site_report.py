# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Play a playbook that reports on the hosts of an inventory, and show its table alone.

The inventory is that of the environment variable INVENTORY, otherwise the local test host's. The table goes to standard
output, the same as JSON to .cache/NAME.json, and all that Ansible says to .cache/logs/NAME.log.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from site_access import AccessError, inventory_of, playbook_command
from steps import LOGS, REPOSITORY, say


def report(name: str, variable: str, table: Callable[[Mapping[str, Any]], str]) -> int:
    """Play it and tell what it found; return the exit status that the playbook has: 0 nothing, 2 something, 1 an error."""
    try:
        inventory = inventory_of(os.environ.get("INVENTORY", ""))
    except AccessError as error:
        say(str(error))
        return 1
    log = LOGS / f"{name}.log"
    found = _look(inventory, name, variable, log)
    if found is None:
        say(f"The hosts of {inventory} could not be looked at; log: {log}")
        return 1
    sys.stdout.write(table(found) + "\n")
    return {"none": 0, "error": 1}.get(found["outcome"], 2)


def _look(inventory: Path, name: str, variable: str, log: Path) -> dict[str, Any] | None:
    """Play the playbook; return its report, or None if it did not come to one."""
    LOGS.mkdir(parents=True, exist_ok=True)
    file = REPOSITORY / ".cache" / f"{name}.json"
    file.unlink(missing_ok=True)
    with log.open("wb") as output:
        command = playbook_command(inventory, name, "-e", json.dumps({variable: str(file)}))
        subprocess.run(command, cwd=REPOSITORY, stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=False)
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else None
