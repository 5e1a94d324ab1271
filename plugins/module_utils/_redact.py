# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which values no message may show, and texts without them.

Private to the collection.
"""

from __future__ import annotations

import re

# Variables whose value is taken for a secret; URLs because they carry passwords.
SECRET_NAME = re.compile("KEY|SECRET|PASS|TOKEN|USERS|PROVIDERS|CREDENTIAL|URL")
# Shorter values would blacken half of every message, and are no secrets.
SHORTEST = 6


def secret_values(variables):
    """The values of an environment, {name: value}, that are secrets by their name."""
    return [str(value) for name, value in variables.items() if SECRET_NAME.search(name.upper())]


def redact(text, values):
    """A text without any of the values, the longest first; values shorter than SHORTEST are left alone."""
    for value in sorted({value for value in values if len(value) >= SHORTEST}, key=len, reverse=True):
        text = text.replace(value, "********")
    return text
