# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host of the test bed together with the inventory that a person would write for it.

As a command, for Molecule: tools/test_host.py NAME FOLDER has the host NAME up and its inventory in FOLDER.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from steps import REPOSITORY, StepFailed, Steps, say

BED = str(REPOSITORY / "tests" / "testbed" / "bed")
_INVENTORIES = REPOSITORY / ".cache" / "inventories"

# What a person fills in for inventories/single_vm, for a host whose address is its only name.
_SITE = """\
# Made by tools/test_host.py; secrets lie beside this file.
all:
  vars:
    caddy_tls_site: "{address}"
    caddy_tls_mode: internal
    # The stand-in of docling-serve on the test bed has no models for these.
    gateway_extra_env:
      DOCLING_DO_OCR: "false"
      DOCLING_DO_TABLE_STRUCTURE: "false"
"""


def inventory_path(name: str) -> Path:
    """Return where the inventory of a test host lies, made or not."""
    return _INVENTORIES / name


def prepare(steps: Steps, name: str, folder: Path | None = None) -> Path:
    """Have the images, the host and its inventory (by default at its usual place); return the inventory.

    What is there already is kept.
    """
    steps.run("images", [BED, "images"], limit_s=4500, shown=True)
    steps.run(f"test host {name}", [BED, "up", name], limit_s=300, shown=True)
    folder = folder or inventory_path(name)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "hosts.yml").write_text(ask("inventory", name), encoding="utf-8")
    (folder / "site.yml").write_text(_SITE.format(address=ask("address", name).strip()), encoding="utf-8")
    return folder


def ask(*arguments: str) -> str:
    """Return what the bed prints for a verb."""
    done = subprocess.run([BED, *arguments], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise StepFailed(f"'tests/testbed/bed {' '.join(arguments)}' failed; its message stands above.")
    return done.stdout


def main(arguments: list[str]) -> int:
    """Prepare a host in a folder; return 0 if that succeeded."""
    if len(arguments) != 2:
        say("tools/test_host.py takes the name of a host and a folder for its inventory.")
        return 2
    try:
        prepare(Steps(), arguments[0], Path(arguments[1]))
    except StepFailed as failure:
        say(f"FAILED: {failure}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
