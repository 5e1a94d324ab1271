# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host shows after the role docker_host. The runner gives the hosts (--hosts, --ansible-inventory)."""

from __future__ import annotations

import json

import pytest

DAEMON_JSON = "/etc/docker/daemon.json"


@pytest.fixture
def engine(host):
    """The running engine's own view of its configuration."""
    with host.sudo():
        return json.loads(host.check_output("docker info --format '{{json .}}'"))


@pytest.fixture
def daemon_json(host):
    with host.sudo():
        return json.loads(host.file(DAEMON_JSON).content_string)


def test_engine_runs_now_and_at_boot(host):
    assert host.service("docker").is_running
    assert host.service("docker").is_enabled


def test_engine_uses_its_file(engine, daemon_json):
    assert engine["LiveRestoreEnabled"] is daemon_json["live-restore"] is True
    assert engine["LoggingDriver"] == daemon_json["log-driver"] == "local"
    pools = {(pool["Base"], pool["Size"]) for pool in engine["DefaultAddressPools"]}
    assert pools == {(pool["base"], pool["size"]) for pool in daemon_json["default-address-pools"]}


def test_logs_rotate(daemon_json):
    assert daemon_json["log-opts"] == {"max-size": "20m", "max-file": "5"}


def test_compose_plugin_answers(host):
    major, minor = host.check_output("docker compose version --short").lstrip("v").split(".")[:2]
    assert (int(major), int(minor)) >= (2, 26)


def test_file_may_be_read_and_its_record_holds_no_values(host, daemon_json):
    record = host.file("/etc/docker/.aistack-daemon.json")
    assert host.file(DAEMON_JSON).user == record.user == "root"
    assert record.mode == 0o644
    assert daemon_json["log-opts"]["max-size"] not in record.content_string
    assert "docker_host" in json.loads(record.content_string)["owners"]


def test_redis_may_fork_on_a_full_host(host):
    assert host.sysctl("vm.overcommit_memory") == 1
    assert "vm.overcommit_memory = 1" in host.file("/etc/sysctl.d/90-aistack.conf").content_string


def test_needrestart_leaves_the_engine_alone(host):
    text = host.file("/etc/needrestart/conf.d/50-aistack-docker.conf").content_string
    assert "qr(^docker)" in text
    assert "qr(^containerd)" in text


def test_engine_answers_only_on_its_socket(host):
    with host.sudo():
        listening = host.check_output("ss --listening --tcp --numeric --processes")
    assert "dockerd" not in listening
