# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts without the values that no message may show."""

from __future__ import annotations

from ansible_collections.selfhost.aistack.plugins.module_utils._redact import redact, secret_values


def test_values_are_secret_by_the_name_of_their_variable():
    assert secret_values({"api_key": "a", "REDIS_URL": "b", "LOG_LEVEL": "c", "Token": 5}) == ["a", "b", "5"]


def test_a_longer_secret_goes_before_one_that_is_part_of_it():
    assert redact("see secret-long and secret", ["secret", "secret-long"]) == "see ******** and ********"


def test_a_value_too_short_to_be_a_secret_is_left_alone():
    assert redact("port 8080", ["8080", ""]) == "port 8080"
