# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run garage_cluster and tell callback plugins none of its secrets."""

from __future__ import annotations

from ansible_collections.selfhost.aistack.plugins.plugin_utils.discreet import DiscreetModule


class ActionModule(DiscreetModule):
    """garage_cluster's half on the controller."""
