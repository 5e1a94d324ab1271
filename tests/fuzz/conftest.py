# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import sys
from pathlib import Path

from ansible.plugins.loader import init_plugin_loader

# Ansible's finder of collections, before anything is imported from this one.
init_plugin_loader()
sys.path.insert(0, str(Path(__file__).parent))

from fuzzbed.cases import GIVEN, REFUSED, SEED  # noqa: E402


def pytest_terminal_summary(terminalreporter):
    """Say how many cases each parser was given."""
    terminalreporter.section(f"cases (AISTACK_FUZZ_SEED={SEED})")
    for parser in sorted(GIVEN | REFUSED):
        seen = GIVEN[parser]
        terminalreporter.write_line(f"{parser:<44} {seen:>6} read back, {REFUSED[parser]:>5} refused before")
    terminalreporter.write_line(f"{'all':<44} {GIVEN.total():>6} read back, {REFUSED.total():>5} refused before")
