# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

from ansible_collections.selfhost.aistack.plugins.module_utils._diff import DifferenceTracker, secret_digest


def test_nothing_added_is_nothing_changed():
    tracker = DifferenceTracker()
    assert not tracker.changed
    assert tracker.diff == {"before": {}, "after": {}}
    assert tracker.names == []


def test_equal_values_are_left_out():
    tracker = DifferenceTracker()
    assert tracker.add("zone", "a", "a") is False
    assert tracker.add("tags", ["x"], ["x", "y"]) is True
    assert tracker.changed
    assert tracker.names == ["tags"]
    assert tracker.diff == {"before": {"tags": ["x"]}, "after": {"tags": ["x", "y"]}}


def test_none_stands_for_absent():
    tracker = DifferenceTracker()
    tracker.add("key", None, {"name": "app"})
    assert tracker.diff == {"before": {"key": None}, "after": {"key": {"name": "app"}}}


def test_a_secret_is_shown_only_as_digest_prefix():
    tracker = DifferenceTracker()
    tracker.add("password", "old-value", "new-value", secret=True)
    tracker.add("token", None, b"bytes-value", secret=True)
    shown = json.dumps(tracker.diff)
    for text in ("old-value", "new-value", "bytes-value"):
        assert text not in shown
    assert tracker.diff["before"]["token"] is None
    assert tracker.diff["after"]["password"] == secret_digest("new-value")
    assert len(secret_digest("new-value")) == len("sha256:") + 8
