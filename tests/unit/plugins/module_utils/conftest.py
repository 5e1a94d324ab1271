# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.selfhost.aistack.plugins.module_utils._health import target_spec


@pytest.fixture
def target():
    """A function that makes a target of health_wait as Ansible hands it over: what is not given is None."""

    def make(kind, **options):
        return {**dict.fromkeys(target_spec()), "name": "it", "kind": kind, **options}

    return make
