# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible's finder of collections, set up before anything is imported from this one: what Python found first it cannot serve."""

from __future__ import annotations

from ansible.plugins.loader import init_plugin_loader

init_plugin_loader()
