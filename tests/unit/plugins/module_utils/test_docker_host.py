# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host needs of Docker, and the sentences that say why it cannot be used."""

from __future__ import annotations

import os
import subprocess

import pytest

from ansible_collections.selfhost.aistack.plugins.module_utils import _docker_host as dh

DEBIAN_PACKAGES = {
    "docker.io": "26.1.5+dfsg1-9",
    "docker-cli": "26.1.5+dfsg1-9",
    "docker-compose": "2.26.1-4",
    "docker-buildx": "0.13.1",
    "ca-certificates": "20250419",
    "apparmor": "4.1.0-1",
    "nftables": "1.1.3-1",
}
UPSTREAM_PACKAGES = dict.fromkeys(
    [
        "docker-ce",
        "docker-ce-cli",
        "containerd.io",
        "docker-buildx-plugin",
        "docker-compose-plugin",
        "ca-certificates",
        "apparmor",
        "nftables",
    ],
    "5:29.1.0",
)


def host(system="debian 13", packages=None, **changes):
    facts = {
        "system": system.split(),
        "architecture": "x86_64",
        "root": True,
        "systemd": True,
        "packages": packages or {},
        "engine_version": "26.1.5+dfsg1" if packages else "",
        "compose_version": "2.26.1-4" if packages else "",
    }
    return {**facts, **changes}


@pytest.mark.parametrize(
    ("facts", "asked", "source", "missing"),
    [
        (
            host(),
            "auto",
            "distribution",
            ["docker.io", "docker-cli", "docker-compose", "docker-buildx", "ca-certificates", "apparmor", "nftables"],
        ),
        (
            host("ubuntu 22.04"),
            "auto",
            "distribution",
            ["docker.io", "docker-compose-v2", "docker-buildx", "ca-certificates", "apparmor", "nftables"],
        ),
        (host("debian 12"), "auto", "docker", list(UPSTREAM_PACKAGES)),
        (host("ubuntu 26.04"), "docker", "docker", list(UPSTREAM_PACKAGES)),
        (host(packages=DEBIAN_PACKAGES), "auto", "distribution", []),
        (host(packages=DEBIAN_PACKAGES), "distribution", "distribution", []),
        (host(packages={**DEBIAN_PACKAGES, "other": "1"}), "auto", "distribution", []),
        (host(packages={"docker.io": "26.1.5"}, compose_version=""), "auto", "distribution", list(DEBIAN_PACKAGES)[1:]),
        (host(packages=UPSTREAM_PACKAGES), "auto", "docker", []),
        (host("ubuntu 24.04", packages=UPSTREAM_PACKAGES), "docker", "docker", []),
        (host(engine_version="27.0.1", compose_version="2.29.0"), "auto", "existing", []),
        (host(engine_version="27.0.1"), "auto", "distribution", list(DEBIAN_PACKAGES)),
    ],
)
def test_source_and_missing_packages(facts, asked, source, missing):
    result = dh.assess(facts, asked, "25.0", "2.26")
    assert result["problems"] == []
    assert result["source"] == source
    assert sorted(result["missing"]) == sorted(missing)


@pytest.mark.parametrize(
    ("facts", "asked", "words"),
    [
        (host("debian 11"), "auto", ["operating system is debian 11", "Debian 12", "Ubuntu 26.04"]),
        (host("rocky 9"), "auto", ["operating system is rocky 9"]),
        (host(""), "auto", ["not named in /etc/os-release"]),
        (host(architecture="riscv64"), "auto", ["processor is riscv64", "x86_64 and aarch64"]),
        (host(systemd=False), "auto", ["does not run systemd"]),
        (host(root=False), "auto", ["set become to true"]),
        (host("debian 12"), "distribution", ["only docker-compose 1: set docker_host_source to docker"]),
        (
            host("debian 12", packages={"docker.io": "20.10.24"}),
            "auto",
            ["remove docker.io and set docker_host_source to docker"],
        ),
        (
            host(packages=UPSTREAM_PACKAGES),
            "distribution",
            ["docker-ce 5:29.1.0 is installed", "docker_host_source to docker"],
        ),
        (
            host(packages=DEBIAN_PACKAGES),
            "docker",
            ["docker.io 26.1.5+dfsg1-9 is installed", "docker_host_source to distribution"],
        ),
        (
            host(packages=DEBIAN_PACKAGES, engine_version="24.0.7"),
            "auto",
            ["engine is version 24.0.7", "docker_host_minimum_engine (25.0)"],
        ),
        (
            host(packages=DEBIAN_PACKAGES, compose_version="2.20.3"),
            "auto",
            ["compose plugin is version 2.20.3", "(2.26)"],
        ),
    ],
)
def test_problems_are_one_sentence_each(facts, asked, words):
    problems = dh.assess(facts, asked, "25.0", "2.26")["problems"]
    assert len(problems) == 1
    assert all(word in problems[0] for word in words)
    assert "\n" not in problems[0]


def test_every_reason_is_told_at_once():
    facts = host("alpine 3.20", architecture="i686", root=False, systemd=False)
    assert len(dh.assess(facts, "auto", "25.0", "2.26")["problems"]) == 4


def test_os_release(tmp_path):
    file = tmp_path / "os-release"
    file.write_text(
        '# comment\nPRETTY_NAME="Ubuntu 24.04.1 LTS"\nID=ubuntu\nVERSION_ID="24.04"\n\nVERSION_CODENAME=noble\n'
    )
    found = dh.os_release(file)
    assert (found["ID"], found["VERSION_ID"], found["VERSION_CODENAME"]) == ("ubuntu", "24.04", "noble")


LIMITS = """Limit                     Soft Limit           Hard Limit           Units
Max open files            1024                 20000                files
"""
INITIAL_MAP = "         0          0 4294967295\n"


@pytest.mark.parametrize(
    ("capabilities", "uid_map", "expected"),
    [
        ("000001ffffffffff", INITIAL_MAP, 1048576),
        ("0000003ffeffffff", INITIAL_MAP, 20000),
        ("000001ffffffffff", "         0     100000      65536\n", 20000),
    ],
)
def test_nofile_limit(capabilities, uid_map, expected):
    assert dh.nofile_limit(LIMITS, f"Name:\tsystemd\nCapEff:\t{capabilities}\n", uid_map, "1048576\n") == expected


def test_look_only_reads_and_works_on_any_linux():
    def run(argv, environ_update):
        done = subprocess.run(argv, capture_output=True, text=True, env={**os.environ, **environ_update}, check=False)
        return done.returncode, done.stdout, done.stderr

    facts = dh.look(run)
    assert facts["architecture"]
    assert facts["nofile_limit"] > 0
    assert set(facts) >= {"system", "codename", "root", "systemd", "packages", "running", "enabled", "repository_url"}
