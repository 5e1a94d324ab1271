# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""make drift: what differs from the inventory on each of its hosts. Changes nothing.

The inventory is that of the environment variable INVENTORY, otherwise the local test host's. The table goes to standard
output, the same as JSON to .cache/drift.json, and all that Ansible says to .cache/logs/drift.log. Exit status: 0 no drift,
2 drift, 1 an error.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from site_access import AccessError, inventory_of, playbook_command
from steps import LOGS, REPOSITORY, say

from ansible_collections.selfhost.aistack.plugins.plugin_utils.drift import DRIFT, NONE, table

_REPORT = REPOSITORY / ".cache" / "drift.json"
_STATUS = {NONE: 0, DRIFT: 2}


def main() -> int:
    """Look for drift and tell it; return the exit status."""
    try:
        inventory = inventory_of(os.environ.get("INVENTORY", ""))
    except AccessError as error:
        say(str(error))
        return 1
    log = LOGS / "drift.log"
    found = _look(inventory, log)
    if found is None:
        say(f"Drift could not be looked for in {inventory}; log: {log}")
        return 1
    sys.stdout.write(table(found) + "\n")
    return _STATUS.get(found["outcome"], 1)


def _look(inventory: Path, log: Path) -> dict[str, object] | None:
    """Play drift.yml; return its report, or None if it did not come to one."""
    LOGS.mkdir(parents=True, exist_ok=True)
    _REPORT.unlink(missing_ok=True)
    with log.open("wb") as output:
        command = playbook_command(inventory, "drift", "-e", json.dumps({"drift_json": str(_REPORT)}))
        subprocess.run(command, cwd=REPOSITORY, stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=False)
    return json.loads(_REPORT.read_text(encoding="utf-8")) if _REPORT.exists() else None


if __name__ == "__main__":
    sys.exit(main())
