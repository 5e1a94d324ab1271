# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kernel settings and small files, against a folder that stands for the kernel."""

from __future__ import annotations

import os

import pytest

from ansible_collections.selfhost.aistack.plugins.module_utils import _host_settings as hs


@pytest.fixture
def host(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "fchown", lambda *args: None)
    for name, value in {"vm/overcommit_memory": "0\n", "net/ipv4/tcp_mem": "1\t2\t3\n"}.items():
        (tmp_path / "proc" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "proc" / name).write_text(value)
    read_only = tmp_path / "proc" / "net" / "rmem"
    read_only.write_text("1")
    read_only.chmod(0o444)
    (tmp_path / "etc").mkdir()
    return tmp_path


def run(host, sysctls, optional=(), files=(), check=False):
    boot = str(host / "etc" / "boot.conf")
    files = {str(host / name): content for name, content in dict(files).items()}
    return hs.HostSettings(sysctls, optional, boot, files, proc=str(host / "proc")).converge(check=check)


def snapshot(host):
    return {path: path.read_text() for path in sorted(host.rglob("*")) if path.is_file()}


def test_settings_and_files_once(host):
    wanted = {"vm.overcommit_memory": 1, "net.ipv4.tcp_mem": "1 2 3"}
    before = snapshot(host)
    predicted = run(host, wanted, files={"conf.d/x.conf": "hello\n"}, check=True)
    assert snapshot(host) == before
    done = run(host, wanted, files={"conf.d/x.conf": "hello\n"})
    assert done == predicted
    assert done["sysctls"] == ["vm.overcommit_memory"]
    assert [os.path.basename(path) for path in done["files"]] == ["x.conf", "boot.conf"]
    assert (host / "proc/vm/overcommit_memory").read_text() == "1"
    assert "vm.overcommit_memory = 1\n" in (host / "etc/boot.conf").read_text()
    assert run(host, wanted, files={"conf.d/x.conf": "hello\n"})["changed"] is False


def test_drift_by_hand_is_put_right(host):
    run(host, {"vm.overcommit_memory": 1})
    (host / "proc/vm/overcommit_memory").write_text("2")
    result = run(host, {"vm.overcommit_memory": 1})
    assert (result["sysctls"], result["files"]) == (["vm.overcommit_memory"], [])


def test_what_a_killed_run_left_half_written_is_told_and_removed(host):
    run(host, {"vm.overcommit_memory": 1})
    half = host / "etc" / f"{hs._files.NEW_PREFIX}abc"
    half.write_text("vm.over")
    predicted = run(host, {"vm.overcommit_memory": 1}, check=True)
    assert half.exists()
    assert run(host, {"vm.overcommit_memory": 1}) == predicted
    assert (predicted["changed"], predicted["healed"]) == (True, [str(half)])
    assert not half.exists()
    assert not run(host, {"vm.overcommit_memory": 1})["changed"]


def test_nothing_wanted_removes_the_file(host):
    run(host, {"vm.overcommit_memory": 1}, files={"x": "1"})
    assert run(host, {}, files={"x": None})["changed"] is True
    assert not (host / "etc/boot.conf").exists()
    assert not (host / "x").exists()
    assert run(host, {}, files={"x": None})["changed"] is False


@pytest.mark.parametrize("name", ["net.ipv4.tcp_migrate_req", "net.rmem"])
def test_what_the_kernel_does_not_have_or_let_set(host, name):
    result = run(host, {name: 1}, optional=[name])
    assert (result["absent"], result["changed"]) == ([name], False)
    with pytest.raises(hs.SettingsError, match=f"sysctls has {name}.*does not let be set"):
        run(host, {name: 1})


@pytest.mark.parametrize("name", ["vm", "../../etc/passwd", "vm.over commit", ""])
def test_a_wrong_name(host, name):
    with pytest.raises(hs.SettingsError, match="a name is like"):
        run(host, {name: 1})


def test_a_value_that_the_kernel_refuses(host):
    place = host / "proc/vm/overcommit_memory"
    place.unlink()
    place.symlink_to("/proc/self/setgroups")
    with pytest.raises(hs.SettingsError, match="vm.overcommit_memory=1, which the kernel refuses"):
        run(host, {"vm.overcommit_memory": 1}, optional=[])
