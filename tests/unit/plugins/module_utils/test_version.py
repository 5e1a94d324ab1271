# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.selfhost.aistack.plugins.module_utils._version import numbers


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("26.1.5+dfsg1", (26, 1, 5)),
        ("Docker version 28.5.2+dfsg1, build ecc6942", (28, 5, 2)),
        ("v5.5.0", (5, 5, 0)),
        ("2.26.1-4", (2, 26, 1)),
        ("", ()),
    ],
)
def test_numbers(text, expected):
    assert numbers(text) == expected
