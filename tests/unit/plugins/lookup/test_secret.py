# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lookup as Ansible runs it; what the store does is tested in plugin_utils/test_secret_store.py."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from ansible_collections.selfhost.aistack.plugins.plugin_utils import secret_store

COLLECTIONS = Path(secret_store.__file__).parents[5]


@pytest.fixture
def site(tmp_path):
    """A directory with an inventory of two local hosts."""
    hosts = {
        host: {"ansible_connection": "local", "ansible_python_interpreter": sys.executable} for host in ("h1", "h2")
    }
    directory = tmp_path / "site"
    directory.mkdir()
    (directory / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": hosts}}))
    return directory


def run(tmp_path, lookups, *arguments):
    """Runs a play that says what each of the expressions is on each host; returns (exit code, values, whole output)."""
    tasks = [{"ansible.builtin.debug": {"msg": "<<{{ %s }}>>" % lookup}} for lookup in lookups]
    play = [{"hosts": "all", "gather_facts": False, "tasks": tasks}]
    (tmp_path / "play.yml").write_text(yaml.safe_dump(play))
    (tmp_path / "ansible.cfg").write_text("[defaults]\n")
    environment = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
        "ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.default",
        "ANSIBLE_CONFIG": str(tmp_path / "ansible.cfg"),
    }
    done = subprocess.run(
        [sys.executable, "-m", "ansible", "playbook", *arguments, str(tmp_path / "play.yml")],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    output = done.stdout + done.stderr
    values = [json.loads(line.partition(": ")[2])[2:-2] for line in output.splitlines() if '"msg": "<<' in line]
    return done.returncode, values, output


def test_hosts_and_tasks_get_one_value_and_one_warning(site, tmp_path):
    ask = "lookup('selfhost.aistack.secret', 'pw', length=40, klass='overlap')"
    code, values, output = run(
        tmp_path, [ask, ask, "query('selfhost.aistack.secret', 'pw', 'pw') | join"], "-i", str(site)
    )
    assert code == 0, output
    assert len(values) == 6
    assert set(values) == {values[0], values[0] * 2}
    assert len(values[0]) == 40
    assert output.count("is not encrypted") == 1
    assert yaml.safe_load((site / ".secrets.yml").read_text())["secrets"]["pw"]["value"] == values[0]


def test_a_value_is_never_taken_for_a_template(site, tmp_path):
    (site / ".secrets.yml").write_text("version: 1\nsecrets: {pw: {value: 'a{{ 1 + 1 }}$b'}}\n")
    code, values, output = run(tmp_path, ["lookup('selfhost.aistack.secret', 'pw')"], "-i", str(site / "hosts.yml"))
    assert code == 0, output
    assert values == ["a{{ 1 + 1 }}$b"] * 2


def test_a_vault_password_encrypts_and_check_mode_writes_nothing(site, tmp_path):
    (tmp_path / "password").write_text("vault password")
    arguments = ["-i", str(site), "--vault-password-file", str(tmp_path / "password")]
    ask = ["lookup('selfhost.aistack.secret', 'pw', alphabet='hex', prefix='GK', length=24)"]
    code, values, output = run(tmp_path, ask, *arguments, "--check")
    assert code == 0, output
    assert all(len(value) == 26 and value.startswith("GK") for value in values)
    assert os.listdir(site) == ["hosts.yml"]
    code, values, output = run(tmp_path, ask, *arguments)
    assert code == 0, output
    assert (site / ".secrets.yml").read_bytes().startswith(b"$ANSIBLE_VAULT")
    assert "WARNING" not in output
    assert run(tmp_path, ask, *arguments, "--check")[1] == values
    code, _values, output = run(tmp_path, ask, "-i", str(site))
    assert code != 0
    assert "this run has no vault password" in output


def test_the_place_of_the_file(site, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "hosts.yml").write_text("all: {hosts: {h1: }}")
    ask = ["lookup('selfhost.aistack.secret', 'pw')"]
    for inventories in (["-i", "localhost,"], ["-i", str(site), "-i", str(other / "hosts.yml")]):
        code, _values, output = run(tmp_path, ask, *inventories)
        assert code != 0
        assert "aistack_secrets_file" in output
    place = tmp_path / "named.yml"
    arguments = ["-i", "localhost,", "-c", "local", "-e", f"aistack_secrets_file={place}"]
    code, values, output = run(tmp_path, ask, *arguments)
    assert code == 0, output
    assert yaml.safe_load(place.read_text())["secrets"]["pw"]["value"] == values[0]


def test_a_wrong_question_is_told(site, tmp_path):
    code, _values, output = run(tmp_path, ["lookup('selfhost.aistack.secret', 'pw', klass='some')"], "-i", str(site))
    assert code != 0
    assert "klass" in output
    assert not (site / ".secrets.yml").exists()
