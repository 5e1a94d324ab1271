# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What make bench is made of: one file for each thing that is measured, and the few that all of them use."""

import sys
from pathlib import Path

# What is measured, and the tools of this repository with which it is driven.
_REPOSITORY = Path(__file__).resolve().parents[3]
for _path in (str(_REPOSITORY / "tools"), str(_REPOSITORY / ".cache" / "collections")):
    if _path not in sys.path:
        sys.path.insert(0, _path)
