# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""daemon.json and an engine that may be cut off at any step, against a model of the engine."""

from __future__ import annotations

import errno
import json
import os
import time

import pytest

from ansible_collections.selfhost.aistack.plugins.module_utils import _daemon_converge as dconv
from ansible_collections.selfhost.aistack.plugins.module_utils import _daemon_service
from ansible_collections.selfhost.aistack.plugins.module_utils._daemon_config import RELOADABLE, ConfigError
from ansible_collections.selfhost.aistack.plugins.module_utils._daemon_service import (
    EngineService,
    ServiceError,
    other_flags,
    process,
)
from ansible_collections.selfhost.aistack.plugins.module_utils._disk import told


class Killed(BaseException):
    """The run ends here, as by SIGKILL."""


class Engine:
    """An engine that reads the file when it starts, rereads the reloadable keys, and refuses to start with bad=True."""

    def __init__(self, path, running=True):
        self.path = path
        self.calls = []
        self.number = 0
        self.uses = None
        self.killed_at = None
        self.started = None
        if running:
            self.start()

    def file(self):
        return json.loads(self.path.read_text()) if self.path.exists() else {}

    def start(self):
        self.number += 1
        # Well before any file change that follows, well after any that went before.
        self.started = time.time() + 0.1
        self.uses = self.file()

    def status(self):
        running = self.uses is not None
        return {"daemon": f"boot:{self.number}" if running else None, "started": self.started, "flags": []}

    def validate(self, path, target, flags):
        with open(path, encoding="utf-8") as handle:
            if "nonsense" in json.load(handle):
                raise ServiceError("dockerd refuses")

    def reload(self):
        self._step("reload")
        self.uses.update({key: value for key, value in self.file().items() if key in RELOADABLE})
        self._step("reloaded")

    def restart(self):
        self._step("restart")
        self.start()
        if self.uses.get("bad"):
            self.uses = None
            raise ServiceError("it did not start")
        self._step("restarted")

    def live_restore(self):
        return bool(self.uses.get("live-restore"))

    def reload_live_restore(self):
        self._step("live-restore")
        self.uses["live-restore"] = True

    def _step(self, name):
        self.calls.append(name)
        if name == self.killed_at:
            raise Killed()


@pytest.fixture
def path(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "fchown", lambda *args: None)
    return tmp_path / "docker" / "daemon.json"


def run(path, engine, config, owner="a", check=False):
    return dconv.DaemonConfig(str(path), owner, config, engine).converge(check=check)


def edit(path, **changes):
    """Edit the file by hand, after the engine's start."""
    content = json.loads(path.read_text()) if path.exists() else {}
    content.update(changes)
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({key: value for key, value in content.items() if value is not None}))
    os.utime(path)


def later(monkeypatch, seconds=100):
    """Changes to files from now on count as made long after the engine's start."""
    real = dconv._change_time
    monkeypatch.setattr(dconv, "_change_time", lambda path: real(path) + seconds)


def test_file_is_there_before_the_first_start(path):
    engine = Engine(path, running=False)
    result = run(path, engine, {"icc": False})
    assert (result["changed"], result["action"], result["changed_keys"]) == (True, "none", ["icc"])
    engine.start()
    assert run(path, engine, {"icc": False})["changed"] is False
    assert engine.calls == []


@pytest.mark.parametrize(
    ("config", "calls"),
    [
        ({"icc": False}, ["restart", "restarted"]),
        ({"debug": True}, ["reload", "reloaded"]),
        ({"debug": True, "icc": False}, ["restart", "restarted"]),
        ({"live-restore": True}, ["reload", "reloaded"]),
        ({"live-restore": True, "icc": False}, ["live-restore", "restart", "restarted"]),
        ({}, []),
    ],
)
def test_the_engine_gets_what_the_keys_need_and_no_more(path, config, calls):
    engine = Engine(path)
    predicted = run(path, engine, config, check=True)
    assert not path.exists()
    assert not path.parent.exists()
    assert engine.calls == []
    result = run(path, engine, config)
    assert engine.calls == calls
    assert engine.uses == config
    assert result == predicted
    assert run(path, engine, config)["changed"] is False
    assert engine.calls == calls


@pytest.mark.parametrize("killed_at", ["write", "restart", "restarted", "live-restore", "remember"])
@pytest.mark.parametrize("running_before", [True, False])
def test_a_killed_run_is_healed_by_the_next(path, monkeypatch, killed_at, running_before):
    engine = Engine(path)
    if running_before:
        run(path, engine, {"debug": True})
    engine.killed_at = killed_at
    wanted = {"debug": True, "live-restore": True, "icc": False}
    with monkeypatch.context() as patch:
        _kill_in_files(patch, killed_at)
        with pytest.raises(Killed):
            run(path, engine, wanted)
    engine.killed_at = None
    run(path, engine, wanted)
    assert engine.uses == wanted == json.loads(path.read_text())
    calls = list(engine.calls)
    assert run(path, engine, wanted)["changed"] is False
    assert engine.calls == calls
    run(path, engine, {})
    assert json.loads(path.read_text()) == {} == engine.uses


@pytest.mark.parametrize("killed_at", ["write", "restart", "restarted", "remember"])
def test_a_killed_run_is_told_in_both_modes_and_once(path, monkeypatch, killed_at):
    engine = Engine(path)
    run(path, engine, {"debug": True})
    engine.killed_at = killed_at
    with monkeypatch.context() as patch:
        _kill_in_files(patch, killed_at)
        with pytest.raises(Killed):
            run(path, engine, {"icc": False})
    engine.killed_at = None
    predicted = run(path, engine, {"icc": False}, check=True)
    assert ["cut off" in sentence for sentence in predicted["healed"]] == [True]
    assert predicted["warnings"] == predicted["healed"]
    assert run(path, engine, {"icc": False})["changes"] == predicted["changes"] != []
    assert run(path, engine, {"icc": False})["healed"] == []


def test_a_half_written_file_is_told_and_removed(path):
    engine = Engine(path)
    run(path, engine, {"debug": True})
    half = path.with_name(f"{dconv._files.NEW_PREFIX}abc")
    half.write_text("{")
    assert run(path, engine, {"debug": True}, check=True)["changed"]
    assert half.exists()
    assert str(half) in run(path, engine, {"debug": True})["healed"][0]
    assert not half.exists()
    assert not run(path, engine, {"debug": True})["changed"]


def _kill_in_files(patch, killed_at):
    """Kill instead of writing daemon.json, or instead of noting that the engine has followed."""
    real = dconv._files.write
    notes = []

    def write(name, *args):
        is_state = name.endswith(dconv.STATE_NAME)
        notes.extend([name] if is_state else [])
        if killed_at == "write" and not is_state or killed_at == "remember" and len(notes) == 2:
            raise Killed()
        real(name, *args)

    patch.setattr(dconv._files, "write", write)


def test_the_record_is_written_before_the_file(path, monkeypatch):
    written = []
    real = dconv._files.write
    monkeypatch.setattr(
        dconv._files, "write", lambda name, *args: (written.append(os.path.basename(name)), real(name, *args))
    )
    run(path, Engine(path), {"icc": False})
    assert written == [dconv.STATE_NAME, "daemon.json", dconv.STATE_NAME]


def test_an_edit_by_hand_is_kept_and_brought_into_the_engine(path):
    engine = Engine(path)
    run(path, engine, {"icc": False})
    edit(path, bip="10.9.0.1/24")
    result = run(path, engine, {"icc": False})
    assert (result["changed"], result["action"], result["changed_keys"], result["engine_keys"]) == (
        True,
        "restart",
        [],
        ["bip"],
    )
    assert engine.uses == {"icc": False, "bip": "10.9.0.1/24"}


def test_an_edit_by_hand_of_an_owned_key_is_put_back_without_a_restart(path):
    engine = Engine(path)
    run(path, engine, {"icc": False})
    engine.calls.clear()
    edit(path, icc=True)
    result = run(path, engine, {"icc": False})
    assert (result["changed"], result["action"], result["changed_keys"]) == (True, "none", ["icc"])
    assert engine.calls == []


@pytest.mark.parametrize("reread", [True, False])
def test_an_edit_by_hand_of_an_owned_key_that_may_have_been_reread(path, reread):
    engine = Engine(path)
    run(path, engine, {"live-restore": True})
    edit(path, **{"live-restore": False})
    if reread:
        engine.reload()
    predicted = run(path, engine, {"live-restore": True}, check=True)
    result = run(path, engine, {"live-restore": True})
    assert (result["action"], result["engine_keys"]) == ("reload", ["live-restore"])
    assert result == predicted
    assert engine.uses == {"live-restore": True}
    assert run(path, engine, {"live-restore": True})["changed"] is False


def test_an_edit_after_a_boot_that_no_run_has_seen(path, monkeypatch):
    engine = Engine(path)
    run(path, engine, {"icc": False})
    engine.start()
    later(monkeypatch)
    edit(path, debug=True)
    result = run(path, engine, {"icc": False})
    assert (result["action"], result["engine_keys"]) == ("reload", ["debug"])


def test_a_restart_by_hand_after_an_edit_by_hand_needs_nothing(path):
    engine = Engine(path)
    run(path, engine, {"icc": False})
    edit(path, bip="10.9.0.1/24")
    engine.start()
    assert run(path, engine, {"icc": False})["changed"] is False


def test_an_engine_that_was_there_first_keeps_its_file(path):
    edit(path, bip="10.9.0.1/24")
    engine = Engine(path)
    before = path.read_bytes()
    assert run(path, engine, {})["changed"] is False
    assert path.read_bytes() == before


def test_the_files_mode_is_kept(path):
    edit(path, bip="10.9.0.1/24")
    path.chmod(0o600)
    run(path, Engine(path), {"icc": False})
    assert path.stat().st_mode & 0o777 == 0o600
    assert (path.parent / dconv.STATE_NAME).stat().st_mode & 0o777 == 0o644


def test_an_engine_that_does_not_start_gets_its_old_file_back(path):
    engine = Engine(path)
    run(path, engine, {"icc": False})
    before = path.read_bytes()
    with pytest.raises(ServiceError, match="it did not start; the previous file is back"):
        run(path, engine, {"icc": True, "bad": True})
    assert path.read_bytes() == before
    assert engine.uses == {"icc": False}
    assert run(path, engine, {"icc": False})["changed"] is False
    assert run(path, engine, {})["changed"] is True
    assert engine.uses == {}


def test_nothing_is_written_if_the_engine_refuses_the_file(path):
    engine = Engine(path)
    for check in (True, False):
        with pytest.raises(ServiceError, match="refuses"):
            run(path, engine, {"nonsense": 1}, check=check)
    assert not path.exists()


def test_no_value_that_may_be_secret_is_shown_or_remembered(path):
    engine = Engine(path)
    result = run(path, engine, {"proxies": {"http-proxy": "http://u:canary@p"}, "log-opts": {"splunk-token": "canary"}})
    assert "canary" not in json.dumps(result)
    assert "canary" not in (path.parent / dconv.STATE_NAME).read_text()
    assert "canary" in path.read_text()


def test_two_owners(path):
    engine = Engine(path)
    run(path, engine, {"features": {"cdi": True}}, owner="gpu")
    run(path, engine, {"features": {"buildkit": True}}, owner="host")
    with pytest.raises(ConfigError, match="wanted by host and, with another value, by gpu"):
        run(path, engine, {"features": {"cdi": False}}, owner="host", check=True)
    run(path, engine, {}, owner="gpu")
    assert engine.uses == {"features": {"buildkit": True}}


@pytest.mark.parametrize("check", [True, False])
def test_what_is_no_text_file_is_told_and_left(path, check):
    path.mkdir(parents=True)
    with pytest.raises(
        ConfigError, match=r"daemon.json cannot be read \(Is a directory\): put it right or move it away"
    ):
        run(path, Engine(path, running=False), {"icc": False}, check=check)
    path.rmdir()
    path.write_bytes(b'{"labels": ["\xff"]}')
    with pytest.raises(ConfigError, match=r"cannot be read \(it is no UTF-8 text\)"):
        run(path, Engine(path, running=False), {"icc": False}, check=check)
    assert path.read_bytes() == b'{"labels": ["\xff"]}'


class Meddled(Engine):
    """Somebody else writes the file while the engine looks at what it shall be."""

    def validate(self, path, target, flags):
        edit(self.path, bip="10.9.0.1/24")


def test_a_file_that_somebody_else_writes_meanwhile_is_left_to_them(path):
    run(path, Engine(path), {"icc": False})
    with pytest.raises(ConfigError, match="was changed by somebody else while it was being merged"):
        run(path, Meddled(path), {"debug": True})
    assert json.loads(path.read_text()) == {"icc": False, "bip": "10.9.0.1/24"}
    result = run(path, Engine(path), {"debug": True})
    assert result["healed"] == []
    assert json.loads(path.read_text()) == {"debug": True, "bip": "10.9.0.1/24"}


def test_a_file_that_cannot_be_replaced_leaves_the_records_as_they_were(path, monkeypatch):
    engine = Engine(path)
    run(path, engine, {"icc": False})
    before = path.read_bytes()
    replace = os.replace

    def refuse(source, target):
        if target == str(path):
            raise PermissionError(errno.EPERM, os.strerror(errno.EPERM), source, None, target)
        replace(source, target)

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(PermissionError) as caught:
        run(path, engine, {"icc": True})
    assert "daemon.json cannot be written" in told(caught.value)
    assert "chattr -i" in told(caught.value)
    monkeypatch.undo()
    monkeypatch.setattr(os, "fchown", lambda *args: None)
    assert path.read_bytes() == before
    assert sorted(os.listdir(path.parent)) == [dconv.STATE_NAME, "daemon.json"]
    assert run(path, engine, {"icc": False}, check=True)["changed"] is False


def test_a_garbled_state_file_is_told(path):
    run(path, Engine(path), {"icc": False})
    (path.parent / dconv.STATE_NAME).write_text("{")
    with pytest.raises(ConfigError, match="is not JSON.*remove it"):
        run(path, Engine(path), {"icc": False})


@pytest.mark.parametrize(
    ("flags", "kept"),
    [
        (["-H", "fd://"], ["-H", "fd://"]),
        (["--config-file", "/d.json", "--debug"], ["--debug"]),
        (["--config-file=/d.json"], []),
    ],
)
def test_the_units_flags_are_validated_with_the_file(flags, kept):
    assert other_flags(flags, "/d.json") == kept


@pytest.mark.parametrize("flags", [["--config-file", "/other.json"], ["--config-file=/other.json"]])
def test_an_engine_with_another_file_is_told(flags):
    with pytest.raises(ServiceError, match="set path to /other.json"):
        other_flags(flags, "/d.json")


def test_a_process_is_known_by_its_start():
    first, again = process(os.getpid()), process(os.getpid())
    assert first["daemon"] == again["daemon"]
    assert abs(first["started"] - again["started"]) < 0.05
    assert 0 < time.time() - first["started"] < 3600
    assert first["flags"]


def test_a_command_that_hangs_is_told():
    service = EngineService(lambda argv, environ_update: (124, "", ""), 7)
    with pytest.raises(ServiceError, match="did not end within 7 s"):
        service._run("systemctl", "restart", "docker.service")


@pytest.mark.parametrize(
    ("shown", "running"),
    [
        ("MainPID=0\nActiveState=inactive\n", False),
        ("MainPID=0\nActiveState=activating\n", False),
        (f"MainPID={os.getpid()}\nActiveState=active\n", True),
    ],
)
def test_status(monkeypatch, shown, running):
    monkeypatch.setattr(_daemon_service, "program", lambda name: f"/bin/{name}")
    status = EngineService(lambda argv, environ_update: (0, shown, ""), 7).status()
    assert (status["daemon"] is not None) is running


@pytest.mark.parametrize(
    ("answer", "refused"),
    [
        ((0, "configuration OK", ""), None),
        ((1, "", "unable to configure the Docker daemon with file /new.json: key x"), "with file /etc/d.json: key x"),
        ((125, "", "unknown flag: --validate"), None),
        ((1, "", ""), "exit status 1"),
    ],
)
def test_validate(monkeypatch, answer, refused):
    seen = []
    monkeypatch.setattr(_daemon_service, "program", lambda name: f"/bin/{name}")
    service = EngineService(lambda argv, environ_update: seen.append(argv) or answer, 7)
    if refused:
        with pytest.raises(ServiceError, match=refused):
            service.validate("/new.json", "/etc/d.json", ["-H", "fd://"])
    else:
        service.validate("/new.json", "/etc/d.json", ["-H", "fd://"])
    assert seen[0][2:] == ["/bin/dockerd", "-H", "fd://", "--validate", "--config-file", "/new.json"]
