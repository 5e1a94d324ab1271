# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a release remembers of its wish."""

from __future__ import annotations

import os
import time
from types import SimpleNamespace

import pytest

from ansible_collections.selfhost.aistack.plugins.module_utils._compose_look import keep_outline, outline, settled_apps
from ansible_collections.selfhost.aistack.plugins.module_utils._compose_release import Releases

BUNDLE = {
    "app": "web",
    "files": [],
    "wait": 60,
    "keep": 5,
    "ready": [],
    "ready_timeout": 60,
    "rehearse": {},
    "redact": [],
}


@pytest.fixture
def app(tmp_path):
    releases = Releases(str(tmp_path / "web"))
    releases.prepare()
    releases.commit(releases.stage([]), {"files": [], "services": {}}, {}, 5)
    return SimpleNamespace(bundle=BUNDLE, folder=releases.root, releases=releases)


def recorded(app):
    return Releases(app.folder).record.get("outline")


def test_a_record_without_an_outline_gets_one_and_is_then_left_alone(app):
    keep_outline(app)
    assert recorded(app) == outline(BUNDLE)
    record = os.path.join(app.releases.folder(1), "release.json")
    before = os.stat(record).st_mtime_ns
    time.sleep(0.01)
    app.releases = Releases(app.folder)
    keep_outline(app)
    assert os.stat(record).st_mtime_ns == before


def test_an_app_that_another_run_changes_is_left_to_it(app):
    handle = Releases(app.folder).lock(0, lambda: None)
    keep_outline(app)
    os.close(handle)
    assert recorded(app) is None


def test_a_release_that_came_meanwhile_keeps_its_own(app):
    other = Releases(app.folder)
    other.commit(other.stage([]), {"files": [], "services": {}}, {}, 5)
    keep_outline(app)
    assert recorded(app) is None


def test_a_folder_that_is_no_app_or_cannot_be_read_is_passed_over(tmp_path):
    (tmp_path / "notes").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "state.json").write_text("{", encoding="utf-8")
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert settled_apps(str(tmp_path), docker=None, besides="web") == {}
