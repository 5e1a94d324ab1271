# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Put together what the roles found on all hosts, show it as a table and write it as JSON."""

from __future__ import annotations

from ansible_collections.selfhost.aistack.plugins.plugin_utils import drift
from ansible_collections.selfhost.aistack.plugins.plugin_utils.report_action import ReportAction


class ActionModule(ReportAction):
    """All of drift_report."""

    rules = drift
    variable = "drift_json"
