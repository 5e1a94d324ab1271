# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filters that look at an inventory as a whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.selfhost.aistack.plugins.plugin_utils import known_variables, layout


class FilterModule:
    """What an inventory as a whole is asked."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {
            "docling_link": layout.docling_link,
            "group_problems": layout.group_problems,
            "stack_hosts": layout.stack_hosts,
            "unknown_variables": known_variables.problems,
        }
