# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether two clocks agree, whatever the time between asking and hearing."""

from __future__ import annotations

import pytest

from ansible_collections.selfhost.aistack.plugins.plugin_utils import clock

NOW = 1763700000.0


@pytest.mark.parametrize(
    ("told", "seconds"),
    [(NOW, 0), (NOW + 5, 0), (NOW + 300, 0), (NOW + 310, 10), (NOW - 7, -7)],
    ids=["at once", "on a slow line", "at the end", "ahead", "behind"],
)
def test_skew_counts_only_what_the_way_cannot_explain(told, seconds):
    assert clock.skew(NOW, told, NOW + 300) == seconds


@pytest.mark.parametrize("seconds", [-60, -1, 0, 1, 60])
def test_small_differences_are_no_problem(seconds):
    assert clock.problems("vm1", NOW, NOW + seconds, NOW, 60) == []


@pytest.mark.parametrize(
    ("seconds", "words"), [(3600, "is 3600 s ahead of"), (-3600, "is 3600 s behind"), (61, "is 61 s ahead")]
)
def test_a_clock_that_is_off_is_one_sentence(seconds, words):
    (sentence,) = clock.problems("vm1", NOW, NOW + seconds, NOW, 60)
    assert sentence.startswith("The clock of vm1 says 2025-11-21 ")
    assert words in sentence
    assert "docker_host_max_clock_skew (60 s)" in sentence
    assert sentence.endswith("set the clock that is wrong, best by timedatectl set-ntp true.")
