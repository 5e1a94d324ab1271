# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Units that set something on a host, against a systemd that is a list of what was typed."""

from __future__ import annotations

import os

import pytest

from ansible_collections.selfhost.aistack.plugins.module_utils import _host_settings as hs
from ansible_collections.selfhost.aistack.plugins.module_utils._host_units import Unit, UnitError


class Systemd:
    """Answers commands. `in_effect` and `enabled` are what it holds; `broken` is a verb that fails.

    `read`: the unit's file as it was when systemd read it last, which it does by itself the first time.
    """

    def __init__(self, in_effect=False, broken="", place=None):
        self.in_effect = self.enabled = in_effect
        self.broken = broken
        self.place = place
        self.read = None
        self.typed = []

    def _on_disk(self):
        return self.place.read_text() if self.place and self.place.exists() else None

    def __call__(self, command):
        if command == ["check"]:
            return 0 if self.in_effect and self.enabled else 1, "", ""
        if command[0] == "journalctl":
            return 0, "guard.nft:3: syntax error\n", ""
        verb = command[1]
        if verb in ("is-enabled", "is-active"):
            return 0 if (self.enabled if verb == "is-enabled" else self.in_effect) else 3, "", ""
        if verb == "show":
            self.read = self.read or self._on_disk()
            return 0, f"NeedDaemonReload={'no' if self.read == self._on_disk() else 'yes'}\n", ""
        self.typed.append(" ".join(command[1:-1]) if "--root=/" in command else verb)
        if verb == "daemon-reload":
            self.read = self._on_disk()
        if verb == self.broken:
            return 1, "", "Job failed.\n"
        self.enabled = {"enable": True, "disable": False}.get(verb, self.enabled)
        self.in_effect = {"reload-or-restart": True, "stop": False}.get(verb, self.in_effect)
        return 0, "", ""


@pytest.fixture
def converge(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "fchown", lambda *args: None)
    rules = str(tmp_path / "rules")

    def run(systemd, content="drop\n", wanted=True, check=False, own=None, losers=()):
        """own: the text of the unit's own file."""
        files = {rules: content, str(tmp_path / "guard.service"): own}
        spec = {"name": "guard.service", "wanted": wanted, "files": list(files), "check": ["check"]}
        unit = Unit(systemd, spec, lambda: list(losers))
        settings = hs.HostSettings({}, [], str(tmp_path / "boot"), files, [unit], proc=str(tmp_path))
        return settings.converge(check=check)

    return run


def test_a_unit_is_started_once(converge):
    systemd = Systemd()
    foretold = converge(systemd, check=True)
    assert systemd.typed == []
    assert converge(systemd) == foretold
    assert foretold["units"] == ["guard.service"]
    assert ("unit", "guard.service", "start") in {(c["kind"], c["name"], c["action"]) for c in foretold["changes"]}
    assert systemd.typed == ["enable --root=/", "reload-or-restart"]
    again = converge(systemd)
    assert (again["changed"], again["units"], len(systemd.typed)) == (False, [], 2)


def test_a_changed_file_starts_it_anew(converge):
    systemd = Systemd()
    converge(systemd)
    assert converge(systemd, content="drop all\n")["units"] == ["guard.service"]


@pytest.fixture
def systemd(tmp_path):
    return Systemd(place=tmp_path / "guard.service")


def test_systemd_reads_its_units_anew_only_for_a_unit_whose_own_file_is_another(converge, systemd):
    converge(systemd, own="[Unit]\n")
    assert "daemon-reload" not in systemd.typed
    converge(systemd, content="drop all\n", own="[Unit]\n")
    assert "daemon-reload" not in systemd.typed
    converge(systemd, content="drop all\n", own="[Unit]\n[Service]\n")
    assert systemd.typed[-3:] == ["daemon-reload", "enable --root=/", "reload-or-restart"]


def test_it_does_not_while_containers_would_lose_their_gpus_by_that(converge, systemd, tmp_path):
    converge(systemd, own="[Unit]\n", losers=["train"])
    converge(systemd, content="drop all\n", own="[Unit]\n", losers=["train"])
    typed = list(systemd.typed)
    for check in (True, False):
        with pytest.raises(UnitError, match="containers train, infer have GPUs by NVIDIA's hook.*: stop them, or give"):
            converge(systemd, content="drop\n", own="[Service]\n", losers=["train", "infer"], check=check)
    assert (tmp_path / "guard.service").read_text() == "[Unit]\n", "nothing is written"
    assert (tmp_path / "rules").read_text() == "drop all\n"
    assert systemd.typed == typed
    assert converge(systemd, content="drop all\n", own="[Unit]\n", losers=["train"])["changed"] is False


def test_a_run_that_was_cut_before_the_reload_is_told_the_same(converge, systemd, tmp_path):
    converge(systemd, own="[Unit]\n")
    (tmp_path / "guard.service").write_text("[Service]\n")
    systemd.in_effect = False
    with pytest.raises(UnitError, match="container"):
        converge(systemd, own="[Service]\n", losers=["train"])
    converge(systemd, own="[Service]\n")
    assert "daemon-reload" in systemd.typed


def test_drift_by_hand_is_put_right(converge):
    systemd = Systemd()
    converge(systemd)
    systemd.in_effect = False
    result = converge(systemd)
    assert (result["units"], result["files"]) == (["guard.service"], [])
    systemd.enabled = False
    assert converge(systemd)["units"] == ["guard.service"]


def test_a_unit_that_is_not_wanted_is_ended_before_its_file_goes(converge, tmp_path):
    systemd = Systemd()
    converge(systemd)
    result = converge(systemd, content=None, wanted=False)
    assert systemd.typed[-2:] == ["disable --root=/", "stop"]
    assert not (tmp_path / "rules").exists()
    assert result["changes"][-1]["action"] == "remove"
    assert converge(systemd, content=None, wanted=False)["changed"] is False


def test_a_unit_that_does_not_start_is_told_with_its_log(converge):
    with pytest.raises(
        UnitError, match="reload-or-restart failed for the unit guard.service: Job failed. | guard.nft:3"
    ):
        converge(Systemd(broken="reload-or-restart"))


def test_what_does_not_last_is_told(converge):
    class Forgetful(Systemd):
        def __call__(self, command):
            answer = super().__call__(command)
            self.in_effect = False
            return answer

    with pytest.raises(UnitError, match="what it sets is not so"):
        converge(Forgetful())
