# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sends a PDF through the front door of a site and prints its Markdown: tools/convert.py FILE.pdf

The site is the one of the environment variable INVENTORY, otherwise the local test host. How to reach it is asked of
the inventory each time (playbooks/access.yml), so that nothing kept from an earlier run can be out of date.
Markdown goes to standard output, everything else to standard error.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from site_access import AccessError, inventory_of, read_access
from steps import say

from ansible_collections.selfhost.aistack.plugins.module_utils._front_door import FrontDoor, SiteError


def main(arguments: list[str]) -> int:
    """Convert the file; return 0 if its Markdown was printed."""
    if len(arguments) != 1 or not arguments[0]:
        say("Say which PDF to convert: make convert PDF=path/to/file.pdf")
        return 2
    path = Path(arguments[0]).expanduser()
    try:
        pdf = path.read_bytes()
        access = read_access(inventory_of(os.environ.get("INVENTORY", "")))
        sys.stdout.write(FrontDoor(access).convert(path.name, pdf, say))
    except (AccessError, OSError, SiteError) as error:
        say(f"{path} was not converted: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
