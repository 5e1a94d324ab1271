# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which inventory is meant, how Ansible is called on it, and how one gets into the site that it describes."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from steps import LOGS, REPOSITORY
from test_host import inventory_path

from ansible_collections.selfhost.aistack.plugins.module_utils._front_door import Access


class AccessError(Exception):
    """The inventory does not lead to a site; the text says why and what to do."""


def inventory_of(given: str) -> Path:
    """Return the inventory that the user named, or the one of the local test host."""
    if given:
        path = Path(given).expanduser().resolve()
        if not path.exists():
            raise AccessError(f"INVENTORY={given} does not exist; give the path of an inventory file or folder.")
        return path
    if not inventory_path("vm1").exists():
        raise AccessError("There is no local test host; run 'make up' first, or give INVENTORY=path.")
    return inventory_path("vm1")


def ansible_playbook(inventory: Path | str, playbook: str, *extra: str) -> list[str]:
    """Return the command that plays a playbook with the ansible-playbook of this Python environment."""
    return [str(Path(sys.executable).with_name("ansible-playbook")), "-i", str(inventory), playbook, *extra]


def playbook_command(inventory: Path, name: str, *extra: str) -> list[str]:
    """Return the command that plays a playbook of this collection, as a user of the collection would type it."""
    return ansible_playbook(inventory, f"selfhost.aistack.{name}", *extra)


def read_access(inventory: Path) -> Access:
    """Ask the inventory for the way in. The answer passes through a private file that is gone afterwards."""
    LOGS.mkdir(parents=True, exist_ok=True)
    log = LOGS / "access.log"
    with tempfile.TemporaryDirectory() as folder, log.open("wb") as output:
        file = Path(folder) / "access.json"
        command = playbook_command(inventory, "access", "-e", f"access_file={file}")
        done = subprocess.run(
            command, cwd=REPOSITORY, stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=False
        )
        if done.returncode or not file.exists():
            raise AccessError(f"The inventory {inventory} did not say how to reach its site; log: {log}")
        return Access.read(file)
