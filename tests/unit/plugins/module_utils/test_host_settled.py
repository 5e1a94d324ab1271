# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.selfhost.aistack.plugins.module_utils._daemon_converge import DaemonConfig
from ansible_collections.selfhost.aistack.plugins.module_utils._docker_host import within_reach
from ansible_collections.selfhost.aistack.plugins.module_utils._host_settled import is_settled

LIMIT = 20000
ULIMITS = {"default-ulimits": {"nofile": {"Name": "nofile", "Soft": 1024, "Hard": 65536}, "nproc": {"Hard": 9}}}


class Engine:
    """A double of the engine's service: the process of this name, or none."""

    def __init__(self, daemon=None):
        self.daemon = daemon

    def status(self):
        return {"daemon": self.daemon, "started": 0.0, "flags": []}

    def validate(self, candidate, path, flags):
        """Takes every file."""


@pytest.fixture
def host(tmp_path):
    """A host that has what is wanted: the options of both modules."""
    daemon = {"owner": "docker_host", "config": ULIMITS, "path": str(tmp_path / "docker" / "daemon.json")}
    settings = {
        "sysctl_file": str(tmp_path / "90-test.conf"),
        "files": [{"path": str(tmp_path / "notes"), "content": "one\n"}],
    }
    (tmp_path / "docker").mkdir()
    (tmp_path / "notes").write_text("one\n", encoding="utf-8")
    DaemonConfig(daemon["path"], daemon["owner"], within_reach(ULIMITS, LIMIT), Engine()).converge()
    return daemon, settings


def look(daemon, settings, engine=None):
    return is_settled(daemon, settings, LIMIT, run=None, service=engine or Engine())


def test_open_files_beyond_the_hosts_reach_are_lowered_and_nothing_else():
    lowered = within_reach(ULIMITS, LIMIT)["default-ulimits"]
    assert lowered == {"nofile": {"Name": "nofile", "Soft": 1024, "Hard": LIMIT}, "nproc": {"Hard": 9}}
    assert ULIMITS["default-ulimits"]["nofile"]["Hard"] == 65536
    assert within_reach({"live-restore": True}, LIMIT) == {"live-restore": True}


def test_a_host_that_has_everything_is_settled(host):
    assert look(*host)


def test_an_engine_that_no_run_has_seen_is_left_to_the_task_once(host):
    engine = Engine("42 since then")
    assert not look(*host, engine)
    daemon = host[0]
    DaemonConfig(daemon["path"], daemon["owner"], within_reach(ULIMITS, LIMIT), engine).converge()
    assert look(*host, engine)


@pytest.mark.parametrize(
    ("part", "change"),
    [
        (0, {"config": {"live-restore": True}}),
        (0, {"config": {"default-ulimits": {"nofile": {"Name": "nofile", "Soft": 512, "Hard": 65536}}}}),
        (1, {"files": []}),
        (1, {"sysctls": {"kernel.no_such_setting": 1}}),
        (1, {"files": "no list of dictionaries"}),
    ],
)
def test_whatever_differs_or_cannot_be_told_is_left_to_the_tasks(host, tmp_path, part, change):
    if change == {"files": []}:
        change = {"files": [{"path": str(tmp_path / "notes"), "content": "two\n"}]}
    wanted = list(host)
    wanted[part] = dict(wanted[part], **change)
    assert not look(*wanted)
