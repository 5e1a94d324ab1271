# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of compose_app, for its action, which reads them, and its module, which documents them.

Private to the collection.
"""

from __future__ import annotations

ARGUMENTS = {
    "name": {"type": "str", "required": True},
    "templates": {"type": "str", "default": "app"},
    "copy": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {"src": {"type": "str", "required": True}, "dest": {"type": "str", "required": True}},
    },
    "env": {"type": "dict", "default": {}},
    "secrets": {"type": "dict", "default": {}, "no_log": False},
    "volumes": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "name": {"type": "str", "required": True},
            "uid": {"type": "int", "default": 0},
            "gid": {"type": "int", "default": 0},
        },
    },
    "networks": {"type": "list", "elements": "str", "default": []},
    "reload": {"type": "dict", "default": {}},
    "rehearse": {"type": "list", "elements": "str", "default": []},
    "pull": {"type": "str", "choices": ["missing", "always", "never"], "default": "missing"},
    "wait": {"type": "int", "default": 120},
    "ready": {"type": "list", "elements": "dict", "default": []},
    "ready_timeout": {"type": "int", "default": 60},
    "settle": {"type": "int", "default": 3},
    "keep": {"type": "int", "default": 5},
    "root": {"type": "path", "default": "/opt/aistack"},
}
