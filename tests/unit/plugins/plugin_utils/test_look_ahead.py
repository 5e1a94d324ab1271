# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from types import SimpleNamespace

import pytest

from ansible_collections.selfhost.aistack.plugins.module_utils._compose_look import outline, outline_digest
from ansible_collections.selfhost.aistack.plugins.plugin_utils import look_ahead
from ansible_collections.selfhost.aistack.plugins.plugin_utils.look_ahead import LookAhead

SETTLED = {"web": {"outline": "abc", "result": {"changed": False}}}
BUNDLE = {
    "app": "web",
    "files": [{"path": "env/web.env", "digest": "d1", "content": "aGlkZGVu", "mode": 0o600}],
    "rehearse": {"web": {"services": {"web": {"environment": {"TOKEN": "concealed"}}}}},
    "redact": ["hidden"],
    "wait": 60,
    "settle": 3,
    "keep": 5,
    "ready": [],
    "ready_timeout": 60,
}


@pytest.fixture
def known(tmp_path):
    return LookAhead("vm1", tmp_path)


def test_what_was_seen_serves_the_tasks_that_come_after(known, tmp_path):
    assert known.result_for("web", "abc") is None
    known.remember("redis", SETTLED)
    assert LookAhead("vm1", tmp_path).result_for("web", "abc") == {"changed": False, "looked_at_with": "redis"}


def test_another_wish_another_app_and_another_host_are_not_served(known, tmp_path):
    known.remember("redis", SETTLED)
    assert known.result_for("web", "other") is None
    assert known.result_for("db", "abc") is None
    assert LookAhead("vm2", tmp_path).result_for("web", "abc") is None


def test_a_change_makes_everything_unknown(known):
    known.remember("redis", SETTLED)
    known.forget()
    known.forget()
    assert known.result_for("web", "abc") is None


def test_what_was_seen_gets_old(known, monkeypatch):
    known.remember("redis", SETTLED)
    monkeypatch.setattr(look_ahead, "FRESH_S", -1)
    assert known.result_for("web", "abc") is None


def test_an_outline_holds_neither_contents_nor_secrets(known):
    told = str(outline(BUNDLE))
    assert "aGlkZGVu" not in told
    assert "hidden" not in told
    assert "concealed" not in told
    assert "d1" in told


def test_how_a_run_goes_about_it_is_no_other_wish():
    digest = outline_digest(outline(BUNDLE))
    assert outline_digest(outline(dict(BUNDLE, wait=5, keep=1, ready_timeout=9))) == digest
    assert outline_digest(outline(dict(BUNDLE, ready=[{"name": "site"}]))) != digest
    assert outline_digest(outline(dict(BUNDLE, files=[dict(BUNDLE["files"][0], mode=0o640)]))) != digest


def test_an_outline_holds_no_secret_of_a_target():
    with_password = dict(
        BUNDLE, ready=[{"name": "cache", "password": "hunter two", "headers": {"X-Key": "hunter two"}}]
    )
    assert "hunter two" not in str(outline(with_password))
    other = dict(BUNDLE, ready=[{"name": "cache", "password": "hunter three", "headers": {"X-Key": "hunter two"}}])
    assert outline(with_password) != outline(other)


@pytest.mark.parametrize(
    ("value", "wanted"), [(None, False), (False, False), ("no", False), (True, True), ("yes", True)]
)
def test_nothing_is_known_unless_the_playbook_allows_it(value, wanted):
    task_vars = {"inventory_hostname": "vm1"} | ({} if value is None else {"aistack_look_ahead": value})
    known = LookAhead.where_wanted(SimpleNamespace(template=lambda text: text), task_vars)
    assert isinstance(known, LookAhead) if wanted else known is None
