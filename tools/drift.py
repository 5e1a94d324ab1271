# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""make drift: what differs from the inventory on each of its hosts. Changes nothing. Exit status: 0 no drift, 2 drift, 1 an error."""

from __future__ import annotations

import sys

from site_report import report

from ansible_collections.selfhost.aistack.plugins.plugin_utils.drift import table

if __name__ == "__main__":
    sys.exit(report("drift", "drift_json", table))
