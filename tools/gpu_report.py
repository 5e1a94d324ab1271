# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""make gpu-report: what GPU hosts have, who holds it and what is wrong. Changes nothing. Exit status: 0 nothing wrong, 2 something, 1 an error."""

from __future__ import annotations

import sys

from site_report import report

from ansible_collections.selfhost.aistack.plugins.plugin_utils.gpu_report import table

if __name__ == "__main__":
    sys.exit(report("gpu_report", "gpu_report_json", table))
