# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A release that fails: what is told, and what runs afterwards."""

from __future__ import annotations

import base64
import errno
import hashlib
import os

import pytest

from ansible_collections.selfhost.aistack.plugins.module_utils import _compose_watch, _disk, _files
from ansible_collections.selfhost.aistack.plugins.module_utils._compose_app import App, AppError
from ansible_collections.selfhost.aistack.plugins.module_utils._compose_apply import Apply
from ansible_collections.selfhost.aistack.plugins.module_utils._compose_command import CommandFailed, Compose
from ansible_collections.selfhost.aistack.plugins.module_utils._compose_observe import rehearsal_of
from ansible_collections.selfhost.aistack.tests.unit.plugins.module_utils.fake_engine import FakeEngine

PROJECT = "aistack_demo"


def bundle(tag, rehearse=False, settle=0.05, **more_files):
    image = f"registry.example:5000/web:{tag}"
    texts = {"compose.yml": f"{image} hash-{tag}", **{f"conf/{name}": text for name, text in more_files.items()}}
    files = [
        {
            "path": path,
            "content": base64.b64encode(text.encode()).decode(),
            "digest": hashlib.sha256(text.encode()).hexdigest(),
            "mode": 0o600,
            "uid": os.getuid(),
            "gid": os.getgid(),
            "kind": "file",
        }
        for path, text in texts.items()
    ]
    inputs = {"image": image, "environment": tag, "files": {}, "definition": {}}
    service = {"image": image, "inputs": inputs, "hash": f"hash-{tag}", "one_shot": False, "build": None, "mounts": []}
    return {
        "app": "demo",
        "project": PROJECT,
        "files": files,
        "services": {"web": service},
        "volumes": [],
        "networks": [],
        "reload": {},
        "rehearse": {"web": {"services": {"web": {"image": image}}}} if rehearse else {},
        "ready": [],
        "redact": ["canary-token"],
        "pull": "missing",
        "wait": 0.5,
        "settle": settle,
        "keep": 3,
    }


@pytest.fixture
def engine(tmp_path, monkeypatch):
    engine = FakeEngine(tmp_path)
    monkeypatch.setattr(Compose, "run", lambda _self, *arguments, **named: engine.compose(*arguments, **named))
    monkeypatch.setattr(_compose_watch, "POLL", 0.001)
    return engine


def deploy(engine, *arguments, **named):
    app = App(bundle(*arguments, **named), engine.root, engine)
    return Apply(app, lambda sentence: None).run()


def failure(engine, *arguments, **named):
    with pytest.raises(AppError) as caught:
        deploy(engine, *arguments, **named)
    return str(caught.value)


def live(engine):
    """What is in use: the image that runs, the files of the app and the current release."""
    root = f"{engine.root}/demo"
    container = engine.projects[PROJECT]["web"]
    paths = sorted(
        os.path.relpath(os.path.join(top, name), root)
        for top, _folders, names in os.walk(root)
        for name in names
        if not top.startswith(f"{root}/releases")
    )
    with open(f"{root}/compose.yml", encoding="utf-8") as file:
        return container.image.rpartition(":")[2], file.read(), paths, sorted(os.listdir(f"{root}/releases"))


@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        ("crash", "demo: web keeps exiting (code 7, 2 restarts)."),
        ("never", "demo: web did not become healthy within 0.5 s (it is starting; its check said: no answer)."),
        ("brief", "demo: web was healthy and then exited with code 7."),
        ("oom", "demo: web was killed for want of memory (its memory limit is 12 MiB; raise it)."),
        ("nostart", "demo: web could not be started: the start failed: exec /nothing: no such file or directory."),
        (
            "tiny",
            "demo: web could not be started, it seems for want of memory (its memory limit is 12 MiB; raise it): the start failed: memory limit too low.",
        ),
    ],
)
def test_a_release_that_fails_is_told_and_put_back(engine, fault, cause):
    deploy(engine, "good", one="1")
    before = live(engine)
    message = failure(engine, fault, one="2", two="2")
    assert message.startswith(f"{cause} Release 1 was put back and is healthy.")
    assert ("Last lines of web:\nlistening" in message) == (fault not in ("nostart", "tiny"))
    assert live(engine) == before
    assert deploy(engine, "better", one="2", two="2")["release"] == 2
    assert live(engine)[0] == "better"


def test_a_first_release_that_fails_is_left_to_be_looked_at(engine):
    assert "There is no earlier release to put back" in failure(engine, "crash")
    assert not os.path.exists(f"{engine.root}/demo/swap")
    assert deploy(engine, "good")["release"] == 1


def test_after_a_cut_in_the_swap_the_whole_earlier_release_comes_back(engine):
    deploy(engine, "good", one="1")
    before = live(engine)
    with pytest.raises(KeyboardInterrupt):
        engine_that_is_cut(engine, "crash", one="2")
    assert "Release 1 was put back" in failure(engine, "crash", one="2")
    assert live(engine) == before


RELOAD = {"service": "web", "reload": ["web", "reload"]}


def failing_reload(engine, monkeypatch, problem, meanwhile=lambda: None):
    """Deploy a file that a service has to reread, then another, and let the first reload fail; returns how often one was asked for."""
    asked = []

    def deploy_conf(text):
        wanted = {**bundle("good", one=text), "reload": {"conf/one": RELOAD, "secrets/": RELOAD}}
        return Apply(App(wanted, engine.root, engine), lambda sentence: None).run()

    def run(_self, project, folder, arguments, what, *more, **named):
        if arguments[0] != "exec":
            return engine.compose(project, folder, arguments, what, *more, **named)
        asked.append(what)
        if problem and len(asked) == 1:
            meanwhile()
            raise problem
        return None

    deploy_conf("1")
    monkeypatch.setattr(Compose, "run", run)
    if not problem:
        deploy_conf("2")
        return asked
    before = live(engine)
    with pytest.raises(AppError, match=r"web did not take the new conf/one: .*Release 1 was put back and is healthy\."):
        deploy_conf("2")
    assert live(engine) == before
    return asked


def test_one_reload_stands_for_all_files_that_it_rereads(engine, monkeypatch):
    assert failing_reload(engine, monkeypatch, None) == ["the reload of conf/one"]


def test_a_service_that_refused_to_reload_is_not_disturbed_again(engine, monkeypatch):
    assert failing_reload(engine, monkeypatch, CommandFailed("no", by_itself=True)) == ["the reload of conf/one"]


@pytest.mark.parametrize("problem", [CommandFailed("killed", by_itself=False), AppError("it took more than 1 s")])
def test_a_service_that_may_have_reloaded_is_made_to_read_the_earlier_files(engine, monkeypatch, problem):
    asked = failing_reload(engine, monkeypatch, problem)
    assert asked == ["the reload of conf/one", "the reload of the earlier conf/one"]


def test_a_service_that_was_started_anew_is_made_to_read_the_earlier_files(engine, monkeypatch):
    def restart():
        engine.projects[PROJECT]["web"].id = "c-restarted"

    asked = failing_reload(engine, monkeypatch, CommandFailed("no", by_itself=True), restart)
    assert asked == ["the reload of conf/one", "the reload of the earlier conf/one"]


def engine_that_is_cut(engine, *arguments, **named):
    """A run that ends between its new files and the start of its containers."""
    apply = Apply(App(bundle(*arguments, **named), engine.root, engine), lambda sentence: None)

    def cut(_plans):
        raise KeyboardInterrupt

    apply._start = cut
    apply.run()


def test_an_earlier_release_whose_files_are_gone_is_not_claimed_to_be_back(engine):
    deploy(engine, "good")
    os.unlink(f"{engine.root}/demo/releases/1/compose.yml")
    assert "Release 1 cannot be put back, since its files in" in failure(engine, "crash")


@pytest.mark.parametrize("fault", ["crash", "never", "brief", "oom", "nostart"])
def test_a_failed_rehearsal_touches_nothing(engine, fault):
    deploy(engine, "good", rehearse=True)
    before, container = live(engine), engine.projects[PROJECT]["web"].id
    message = failure(engine, fault, rehearse=True)
    assert "that was in a rehearsal beside the running one." in message
    assert "No file and no container was changed: release 1 runs on." in message
    assert (live(engine), engine.projects[PROJECT]["web"].id) == (before, container)
    assert not engine.projects[rehearsal_of(PROJECT)]


def test_a_rehearsal_that_goes_well_is_followed_by_the_change(engine):
    deploy(engine, "good", rehearse=True)
    assert rehearsal_of(PROJECT) not in engine.projects
    deploy(engine, "better", rehearse=True)
    assert live(engine)[0] == "better"
    assert not engine.projects[rehearsal_of(PROJECT)]


def test_what_a_cut_rehearsal_left_is_a_change_and_is_removed(engine):
    deploy(engine, "good", rehearse=True)
    engine.compose(rehearsal_of(PROJECT), "", ["up"], "", model={"services": {"web": {"image": "web:good"}}})
    result = deploy(engine, "good", rehearse=True)
    assert [(c["kind"], c["name"], c["action"]) for c in result["changes"]] == [
        ("leftover", f"{rehearsal_of(PROJECT)}-web-1", "remove")
    ]
    assert not App(bundle("good", rehearse=True), engine.root, engine).changed


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("manifest for x not found: manifest unknown", "has no image of that name and tag"),
        (
            "Get https://x: dial tcp 192.0.2.1:5000: connect: connection refused",
            "registry.example:5000 does not answer",
        ),
        ("pull access denied", "log in there as root"),
        ("write /var/lib/docker/tmp/GetImageBlob1: no space left on device", "The file system "),
        ("x509: certificate signed by unknown authority", "cannot be used (x509"),
    ],
)
def test_an_image_that_cannot_be_had_changes_nothing(engine, words, told):
    deploy(engine, "good")
    before = live(engine)
    engine.pull_error = words
    message = failure(engine, "absent")
    assert message.startswith("The image registry.example:5000/web:absent of web cannot be pulled: ")
    assert told in message
    assert message.endswith("No file and no container was changed: release 1 runs on.")
    assert live(engine) == before


def full_disk(monkeypatch, after):
    """Let writing fail as on a full disk after so many files."""
    write, left = _files.write, iter(range(after))

    def limited(path, *arguments):
        if next(left, None) is None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)
        write(path, *arguments)

    monkeypatch.setattr(_files, "write", limited)


@pytest.mark.parametrize("after", [0, 1, 2, 3])
def test_a_disk_that_becomes_full_before_the_change_changes_nothing(engine, monkeypatch, after):
    deploy(engine, "good", one="1")
    before = live(engine)
    full_disk(monkeypatch, after)
    message = failure(engine, "better", one="2")
    assert message.startswith("The file system ")
    assert "MiB free" in message
    assert message.endswith("No file and no container was changed: release 1 runs on.")
    assert live(engine) == before


def test_a_release_is_put_back_on_a_disk_that_became_full(engine, monkeypatch):
    deploy(engine, "good", one="1")
    before = live(engine)
    start = Apply._start

    def start_on_a_full_disk(self, plans):
        full_disk(monkeypatch, 0)
        start(self, plans)

    monkeypatch.setattr(Apply, "_start", start_on_a_full_disk)
    assert "Release 1 was put back and is healthy." in failure(engine, "crash", one="2", two="2")
    assert live(engine) == before


def test_on_a_disk_with_little_room_nothing_is_begun(engine, monkeypatch):
    deploy(engine, "good")
    before = live(engine)
    monkeypatch.setattr(_disk, "_room", lambda path: os.statvfs_result((4096, 4096, 4096, 10, 10, 9, 9, 9, 0, 255)))
    message = failure(engine, "better")
    assert (
        "has 0 of 16 MiB free and room for 9 more files, and a change needs at least 64 MiB; free some space" in message
    )
    assert live(engine) == before


def test_a_release_that_runs_but_cannot_be_recorded_is_recorded_by_the_next_run(engine, monkeypatch):
    deploy(engine, "good")
    record = Apply._record

    def record_on_a_full_disk(self, number):
        with monkeypatch.context() as patch:
            full_disk(patch, 0)
            record(self, number)

    with monkeypatch.context() as patch:
        patch.setattr(Apply, "_record", record_on_a_full_disk)
        assert "release 2 runs and is healthy, but could not be written down" in failure(engine, "better")
    assert deploy(engine, "better")["release"] == 2
    assert not App(bundle("better"), engine.root, engine).changed
