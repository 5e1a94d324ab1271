# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Put together what all GPU hosts told of themselves, show it as tables and write it as JSON."""

from __future__ import annotations

from ansible_collections.selfhost.aistack.plugins.plugin_utils import gpu_report
from ansible_collections.selfhost.aistack.plugins.plugin_utils.report_action import ReportAction


class ActionModule(ReportAction):
    """All of gpu_report."""

    rules = gpu_report
    variable = "gpu_report_json"
