# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Versions as numbers that can be compared.

Private to the collection. Pure.
"""

from __future__ import annotations

import re


def numbers(version):
    """The leading numbers of a version, to compare by: (26, 1, 5) of "Docker version 26.1.5+dfsg1, build ..."."""
    found = re.search(r"\d+(\.\d+)*", version)
    return tuple(int(part) for part in found.group().split(".")) if found else ()
