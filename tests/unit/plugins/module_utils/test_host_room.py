# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a host has room: disk, names, and an engine that may be missing."""

from __future__ import annotations

import json
import os

import pytest

from ansible_collections.selfhost.aistack.plugins.module_utils import _host_room as room
from ansible_collections.selfhost.aistack.plugins.module_utils._compose_observe import foreign, foreign_problem
from ansible_collections.selfhost.aistack.plugins.module_utils._docker import DockerError

GB = 1024**3


class Engine:
    """Answers with a list of containers, or not at all."""

    def __init__(self, containers=(), there=True, error=None):
        self.containers, self.there, self.error = list(containers), there, error

    def available(self):
        return self.there

    def get(self, _path):
        if self.error:
            raise self.error
        return self.containers


def container(name="web-1", project="aistack_redis", folder="/srv/redis", **labels):
    return {
        "Id": name.ljust(64, "0"),
        "Names": ["/" + name],
        "Ports": [],
        "Labels": {
            "com.docker.compose.project": project,
            "com.docker.compose.project.working_dir": folder,
            **labels,
        },
    }


def facts(data=100 * GB, files=100 * GB, apps=()):
    return {
        "apps": list(apps),
        "foreign": [],
        "disk": {"/var/lib/docker": data, "/opt/aistack": files},
        "taken": [],
        "strange": [],
    }


@pytest.mark.parametrize(
    "seen", [facts(), facts(data=10 * GB), facts(data=GB, apps=["redis"]), facts(files=100 * 1024**2)]
)
def test_enough_disk(seen):
    assert room.problems(seen, "10g", []) == []


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (facts(data=9 * GB), "/var/lib/docker has 9.0 GB of disk free, less than docker_host_minimum_free_disk (10g)"),
        (
            facts(data=GB - 1, apps=["redis"]),
            "/var/lib/docker has 1024.0 MB of disk free, less than a tenth of docker_host_minimum_free_disk (10g)",
        ),
        (facts(files=4096), "/opt/aistack has 4 kB of disk free, less than the 100.0 MB that the files of apps need"),
    ],
)
def test_too_little_disk_is_one_sentence(seen, words):
    (sentence,) = room.problems(seen, "10g", [])
    assert sentence.startswith(words)
    assert "make room there" in sentence
    assert sentence.endswith(".")


@pytest.mark.parametrize(
    ("text", "count"),
    [("10g", 10 * GB), ("1T", 1024 * GB), ("500", 500), ("5x", None), ("g", None), ("", None), ("1.5g", None)],
)
def test_sizes(text, count):
    assert room.as_bytes(text) == count


@pytest.mark.parametrize(
    ("content", "folder"),
    [
        (None, "/var/lib/docker"),
        ({}, "/var/lib/docker"),
        ({"data-root": "/srv/docker"}, "/srv/docker"),
        ("[", "/var/lib/docker"),
    ],
)
def test_data_root(tmp_path, content, folder):
    path = tmp_path / "daemon.json"
    if content is not None:
        path.write_text(content if isinstance(content, str) else json.dumps(content))
    assert room.data_root(str(path)) == folder


def test_free_bytes_of_a_folder_that_is_not_there_yet(tmp_path):
    stat = os.statvfs(tmp_path)
    assert abs(room.free_bytes(str(tmp_path / "a" / "b")) - stat.f_bavail * stat.f_frsize) < GB


@pytest.mark.parametrize("engine", [Engine(there=False), Engine(error=DockerError("does not answer")), Engine()])
def test_a_host_without_an_engine(engine, tmp_path):
    seen = room.look([], engine, str(tmp_path))
    assert (seen["apps"], seen["foreign"], seen["taken"]) == ([], [], [])
    assert set(seen["disk"]) == {room.data_root(), "/opt/aistack"}


def test_a_project_of_somebody_else_with_a_name_of_ours():
    seen = room.look(
        [], Engine([container(), container("web-2"), container(project="shop"), {**container("x"), "Labels": None}])
    )
    (sentence,) = seen["foreign"]
    assert sentence.startswith(
        "The compose project aistack_redis on this host has containers that this collection did not make "
    )
    assert "(web-1, web-2, from /srv/redis)" in sentence
    assert sentence.endswith("or remove them (docker rm --force web-1 web-2).")
    assert seen["foreign"] == room.problems({**facts(), "foreign": seen["foreign"]}, "10g", [])


@pytest.mark.parametrize(
    "own",
    [container(**{"aistack.app": "redis"}), container(folder="/opt/aistack/redis")],
    ids=["with our label", "started by hand in our folder"],
)
def test_our_own_projects_are_no_strangers(own):
    assert room.look([], Engine([own]))["foreign"] == []


def test_apps_are_told_by_their_folders(tmp_path):
    for app in ("redis", "caddy"):
        (tmp_path / app).mkdir()
    assert room.look([], Engine(), str(tmp_path))["apps"] == ["caddy", "redis"]
    assert room.look([], Engine(), str(tmp_path / "none"))["apps"] == []


def test_compose_app_refuses_with_the_same_sentence():
    stranger = container(folder="")
    assert foreign([stranger], "/opt/aistack/redis") == [stranger]
    assert "(web-1, from no folder)" in foreign_problem("aistack_redis", [stranger])
