# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What check mode says of an app whose engine is off."""

from __future__ import annotations

import json

from ansible_collections.selfhost.aistack.plugins.module_utils._compose_app import App
from ansible_collections.selfhost.aistack.plugins.module_utils._daemon_service import is_off
from ansible_collections.selfhost.aistack.plugins.module_utils._docker import Docker

INPUTS = {"image": "example/web:1", "environment": "e1", "files": {}, "definition": {}}
SERVICE = {"image": "example/web:1", "build": None, "hash": "h1", "one_shot": False, "inputs": INPUTS, "mounts": []}
VOLUME = {"name": "aistack_demo_data", "uid": 5, "gid": 5}
BUNDLE = {
    "app": "demo",
    "project": "aistack_demo",
    "files": [],
    "services": {"web": SERVICE},
    "volumes": [VOLUME],
    "networks": ["aistack"],
    "reload": {},
    "pull": "missing",
}
RECORD = {
    "files": [],
    "outline": {"volumes": [VOLUME], "networks": ["aistack"]},
    "services": {
        "web": {
            "image": "example/web:1",
            "image_id": "sha256:i1",
            "local_image_id": "sha256:i1",
            "inputs": INPUTS,
            "hash": "h1",
            "fingerprint": {},
        }
    },
}


def things(tmp_path, bundle=None, has_record=True, off=True):
    """What changes for an app with a record, or without one, on a host whose engine is off, or not installed."""
    folder = tmp_path / "demo" / "releases" / "1"
    if has_record and not folder.exists():
        (tmp_path / "demo").mkdir(mode=0o700)
        folder.mkdir(parents=True)
        (folder / "release.json").write_text(json.dumps(RECORD), encoding="utf-8")
        (tmp_path / "demo" / "state.json").write_text('{"current": 1, "loaded": {}}', encoding="utf-8")
    docker = Docker(str(tmp_path / "docker.sock"), off=off)
    app = App(bundle or BUNDLE, str(tmp_path), docker)
    assert app.result(app.observed)["changed"] is bool(app.changes())
    return [(change["kind"], change["name"], change["action"]) for change in app.changes()]


def test_an_app_as_it_was_recorded_needs_nothing(tmp_path):
    assert things(tmp_path) == []


def test_what_the_inventory_changes_is_foretold(tmp_path):
    service = dict(SERVICE, image="example/web:2", hash="h2", inputs=dict(INPUTS, image="example/web:2"))
    bundle = dict(BUNDLE, services={"web": service}, volumes=[VOLUME, dict(VOLUME, name="more")])
    assert things(tmp_path, bundle) == [
        ("volume", "more", "create"),
        ("image", "example/web:2", "pull"),
        ("service", "demo/web", "recreate"),
        ("release", "demo/2", "create"),
    ]


def test_without_an_engine_or_a_release_everything_is_to_come(tmp_path):
    everything = [
        ("network", "aistack", "create"),
        ("volume", "aistack_demo_data", "create"),
        ("image", "example/web:1", "pull"),
        ("service", "demo/web", "create"),
    ]
    assert things(tmp_path, has_record=False) == [*everything, ("release", "demo/1", "create")]
    assert things(tmp_path, off=False) == everything


def test_an_engine_is_off_where_its_unit_is_there_and_does_not_run(monkeypatch):
    def told(text):
        return is_off(lambda command: (0, text, ""))

    monkeypatch.setattr("shutil.which", lambda name, path=None: "/bin/systemctl")
    assert told("LoadState=loaded\nActiveState=inactive\n")
    assert told("LoadState=loaded\nActiveState=failed\n")
    assert not told("LoadState=loaded\nActiveState=active\n")
    assert not told("LoadState=not-found\nActiveState=inactive\n")
    monkeypatch.setattr("shutil.which", lambda name, path=None: None)
    assert not told("LoadState=loaded\nActiveState=inactive\n")


def test_no_question_goes_to_an_engine_that_is_off(tmp_path):
    (tmp_path / "docker.sock").touch()
    assert not Docker(str(tmp_path / "docker.sock"), off=True).available()
    assert Docker(str(tmp_path / "docker.sock")).available()
