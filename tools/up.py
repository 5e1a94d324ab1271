# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""make up: from nothing to a converted PDF, on the local test host or on the machines of INVENTORY.

Every step is one command that can be typed by hand and is safe to repeat, so a broken run is simply started again.
"""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from site_access import AccessError, inventory_of, playbook_command, read_access
from steps import REPOSITORY, StepFailed, Steps, say
from test_host import prepare

from ansible_collections.selfhost.aistack.plugins.module_utils._front_door import Access, FrontDoor, SiteError
from ansible_collections.selfhost.aistack.plugins.module_utils._sample_pdf import make_pdf

_MARKDOWN = REPOSITORY / ".cache" / "sample.md"


def main() -> int:
    """Do all steps; return 0 if the PDF came back as Markdown."""
    steps = Steps()
    given = os.environ.get("INVENTORY", "")
    try:
        inventory = inventory_of(given) if given else prepare(steps, "vm1")
        steps.run("converge", playbook_command(inventory, "site"), limit_s=5400, shown=True)
        with steps.timed("ask how to get in"):
            access = read_access(inventory)
        with steps.timed("convert a PDF"):
            _convert(FrontDoor(access))
    except (AccessError, SiteError, StepFailed) as failure:
        say(steps.table())
        say(f"FAILED: {failure}")
        return 1
    except KeyboardInterrupt:
        steps.end()
        return 130
    say(_summary(access, inventory, given))
    say(steps.table())
    return 0


def _convert(door: FrontDoor) -> None:
    """Send a PDF that did not exist before, and keep its Markdown; its words must be in it."""
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
    lines = [
        "A first document",
        f"Made at {now} UTC to see that every part of the way works.",
        "This line closes the page.",
    ]
    markdown = door.convert("sample.pdf", make_pdf(lines), say)
    _MARKDOWN.write_text(markdown, encoding="utf-8")
    missing = [word for line in lines for word in line.split() if word not in markdown]
    if missing:
        raise SiteError(f"The Markdown ({_MARKDOWN}) lacks these words of the PDF: {' '.join(missing)}.")


def _summary(access: Access, inventory: Path, given: str) -> str:
    """Say what there is now and how to get at it."""
    again = f" INVENTORY={given}" if given else ""
    lines = [
        "",
        f"The site is up; open {access.url} in a browser",
        f"  A PDF went in and came back as Markdown: {_MARKDOWN.relative_to(REPOSITORY)}",
        f"  Your own PDF: make convert PDF=path/to/file.pdf{again}",
    ]
    if access.user:
        lines.append(f"  Log in as {access.user}; the password: {access.password_from} ({inventory})")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    sys.exit(main())
