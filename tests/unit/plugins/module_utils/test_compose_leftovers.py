# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""compose_app killed at every effect of its own, against a model of the engine; and what is told of it."""

from __future__ import annotations

import copy
import fcntl
import json
import os
import shutil
import sys
from pathlib import Path

import pytest

from ansible_collections.selfhost.aistack.plugins.module_utils import _compose_watch, _job
from ansible_collections.selfhost.aistack.plugins.module_utils._compose_app import App
from ansible_collections.selfhost.aistack.plugins.module_utils._compose_apply import Apply
from ansible_collections.selfhost.aistack.plugins.module_utils._compose_command import Compose
from ansible_collections.selfhost.aistack.plugins.module_utils._compose_plan import FORCE
from ansible_collections.selfhost.aistack.plugins.module_utils._compose_release import Releases
from ansible_collections.selfhost.aistack.tests.unit.plugins.module_utils.fake_engine import FakeContainer, FakeEngine
from ansible_collections.selfhost.aistack.tests.unit.plugins.module_utils.test_compose_apply import PROJECT, bundle

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "truth"))

from truthbed.local_cuts import cut_at_each_effect  # noqa: E402


@pytest.fixture
def engine(tmp_path, monkeypatch):
    engine = FakeEngine(tmp_path / "apps")
    monkeypatch.setattr(Compose, "run", lambda _self, *arguments, **named: engine.compose(*arguments, **named))
    monkeypatch.setattr(_compose_watch, "POLL", 0.001)
    monkeypatch.setattr(_job, "jobs_folder", lambda: str(tmp_path / "jobs"))
    return engine


def deploy(engine, wanted):
    return Apply(App(copy.deepcopy(wanted), engine.root, engine), lambda sentence: None).run()


def tree(engine):
    """All files and folders of the app with their modes and contents; a record without the time when it was made."""
    found = {}
    top = Path(engine.root) / "demo"
    for path in sorted(top.rglob("*")):
        content = None if path.is_dir() else path.read_text()
        if path.name == "release.json":
            content = dict(json.loads(content), made=None)
        found[str(path.relative_to(top))] = (oct(path.stat().st_mode), content)
    return found


def test_a_run_killed_at_any_effect_is_told_and_made_good(engine, tmp_path):
    before = dict(bundle("good", gone="1", kept="1", other="1"), keep=2)
    wanted = dict(bundle("better", kept="1", other="2", new="1"), keep=2)
    for one in (bundle("good", gone="0"), before):
        deploy(engine, dict(one, keep=2))
    there = tree(engine)
    shutil.copytree(engine.root, tmp_path / "before", symlinks=True)
    containers = copy.deepcopy(engine.projects)
    deploy(engine, wanted)
    undisturbed = tree(engine)
    (tmp_path / "cuts").mkdir()

    def begin():
        shutil.rmtree(engine.root)
        shutil.copytree(tmp_path / "before", engine.root, symlinks=True)
        engine.projects = copy.deepcopy(containers)

    points = told = 0
    for effect in cut_at_each_effect(lambda: deploy(engine, wanted), begin, tmp_path / "cuts"):
        points += 1
        predicted = App(wanted, engine.root, engine).result({})
        # Whatever can be seen in the app's folder and is neither the one state nor the other is told.
        lies_about = {path for path in tree(engine) if path.startswith("swap") or ".aistack-new-" in path}
        assert predicted["healed"] or not lies_about, effect
        result = deploy(engine, wanted)
        assert (result["healed"], result["changes"]) == (predicted["healed"], predicted["changes"]), effect
        assert tree(engine) == undisturbed, effect
        assert not App(wanted, engine.root, engine).changed, effect
        told += bool(result["healed"])
    assert points > 40
    assert told > points / 2

    # The same, but the inventory was put back before the next run.
    for effect in cut_at_each_effect(lambda: deploy(engine, wanted), begin, tmp_path / "cuts"):
        if Releases(os.path.join(engine.root, "demo")).current == 3:
            # The cut run was through with all but tidying up: what is wanted now is a change again.
            continue
        deploy(engine, before)
        assert tree(engine) == there, effect


def test_what_another_run_is_at_is_not_called_left(engine):
    deploy(engine, bundle("good"))
    releases = Releases(os.path.join(engine.root, "demo"))
    releases.stage(bundle("better")["files"])
    with open(os.path.join(engine.root, "demo", ".lock")) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert App(bundle("good"), engine.root, engine).leftovers == []
    assert [leftover.name for leftover in App(bundle("good"), engine.root, engine).leftovers] == [releases.folder(2)]


def test_what_was_begun_on_a_service_is_done_by_the_next_run(engine):
    deploy(engine, bundle("good"))
    releases = Releases(os.path.join(engine.root, "demo"))
    releases.begin({"web": [FORCE, ["content of conf/one"]]})
    engine.calls.clear()
    assert deploy(engine, bundle("good"))["services"]["web"]["why"] == ["content of conf/one"]
    assert (PROJECT, os.path.join(engine.root, "demo"), "up") in engine.calls
    assert not App(bundle("good"), engine.root, engine).changed


def container(number, name):
    made = FakeContainer(number, PROJECT, "web", "registry.example:5000/web:good", "hash-good")
    made.name = f"/{name}"
    return made


def test_a_container_that_was_to_replace_another_goes_or_takes_its_name(engine):
    engine.post = engine.calls.append
    deploy(engine, bundle("good"))
    engine.projects[PROJECT]["web-new"] = container(90, f"0123456789ab_{PROJECT}-web-1")
    result = deploy(engine, bundle("good"))
    assert "was to replace that of web" in result["healed"][0]
    assert "web-new" not in engine.projects[PROJECT]
    engine.projects[PROJECT]["web"] = container(91, f"0123456789ab_{PROJECT}-web-1")
    result = deploy(engine, bundle("good"))
    assert "it gets that one's name" in result["healed"][0]
    assert f"/containers/c91/rename?name={PROJECT}-web-1" in engine.calls
