# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wrong with a host is told in one sentence with what to do, and nothing on the host has changed then.

What is wrong with an inventory needs no host: tests/unit/test_bad_input.py.
"""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from site_access import ansible_playbook
from truthbed.stand import ROOT, Run, Stand
from truthbed.state import differences, settled

# The clock of a host of the bed is that of this machine. So a double stands for a wrong one: a Python whose time is an hour off.
_HOUR_OFF = """
mkdir -p /usr/local/lib/hour-off
printf 'import time\\nnow = time.time\\ntime.time = lambda: now() + 3600\\n' > /usr/local/lib/hour-off/sitecustomize.py
printf '#!/bin/sh\\nPYTHONPATH=/usr/local/lib/hour-off exec /usr/bin/python3 "$@"\\n' > /usr/local/lib/hour-off/python3
chmod 755 /usr/local/lib/hour-off/python3
"""
# Others on the host: a web server on port 80, a container on 443 and one that publishes a port, and a compose project of ours by name.
_OTHERS = """
docker stop aistack_caddy-caddy-1
systemd-run --quiet --unit=others-web --property=WorkingDirectory=/mnt python3 -m http.server 80
docker run --detach --name others-edge --network host --entrypoint redis-server {image} --port 443
docker run --detach --name others-storage --publish 127.0.0.1:3999:6379 --entrypoint redis-server {image}
mkdir -p /srv/redis
printf 'services:\\n  cache:\\n    image: {image}\\n    entrypoint: [redis-server]\\n' > /srv/redis/compose.yml
docker compose --project-name aistack_redis --file /srv/redis/compose.yml up --detach
for port in 80 443; do
    timeout 60 sh -c "until grep -q ':$(printf %04X $port) .* 0A ' /proc/net/tcp; do sleep 0.1; done"
done
"""
_NO_OTHERS = """
systemctl stop others-web
docker rm --force --volumes others-edge others-storage $(docker ps --all --quiet --filter label=com.docker.compose.service=cache)
docker network rm aistack_redis_default
docker start aistack_caddy-caddy-1
rm -rf /srv/redis /usr/local/lib/hour-off
"""
_ROLE_ALONE = {
    "hosts": "redis",
    "gather_facts": False,
    "become": True,
    "vars": {"redis_password": "{{ lookup('selfhost.aistack.secret', 'redis_password', length=40) }}"},
    "roles": ["selfhost.aistack.redis"],
}
_WRONG = {
    "docker_host_minimum_engine": "99.0",
    "docker_host_minimum_free_disk": "999t",
    "garage_storage_s3_port": 3999,
    "gateway_bind_address": "192.0.2.7",
}
_TOLD = {
    "an old engine": r"The engine is version [0-9.]+, older than docker_host_minimum_engine \(99\.0\): upgrade it, or take it from .*",
    "too little disk": r"/var/lib/docker has [0-9.]+ GB of disk free, less than a tenth of docker_host_minimum_free_disk \(999t\): make room .*",
    "a project of somebody else": r"The compose project aistack_redis on this host has containers that this collection did not make"
    r" \(aistack_redis-cache-1, from /srv/redis\), and it needs that name for itself: start them under another project name, or"
    r" remove them \(docker rm --force aistack_redis-cache-1\)\.",
    "port 80": r"caddy_tls_http_port is 80, and TCP port 80 \(0\.0\.0\.0\) of this host is taken by python3 \(pid \d+\): stop that, or .*",
    "port 443 in a container": r"caddy_tls_https_port is 443, and TCP port 443 \(\S+\) of this host is taken by redis-server \(pid \d+\) in the"
    r" container others-edge: stop that, or set caddy_tls_https_port to a port that is free\.",
    "a published port": r"garage_storage_s3_port is 3999, and TCP port 3999 \(127\.0\.0\.1\) of this host is taken by the container"
    r" others-storage: stop that, or .*",
    "an address of another host": r"gateway_bind_address is '192\.0\.2\.7', which is no address of this host: set it to one that .*",
    "a wrong clock": r"The clock of \S+ says .* UTC and is 3[56]\d\d s ahead of this machine's, which is more than docker_host_max_clock_skew"
    r" \(60 s\), .*: set the clock that is wrong, best by timedatectl set-ntp true\.",
}


@pytest.fixture(scope="module")
def before(converged: Stand) -> dict[str, Any]:
    """The host's state before all of these tests."""
    return converged.state()


@dataclass(frozen=True)
class Refused:
    """What a host on which everything is wrong was refused with."""

    site: Run
    role: subprocess.CompletedProcess[str]
    differences: list[str]


@pytest.fixture(scope="module")
def refused(converged: Stand, before: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Refused:
    """site.yml, and a role alone, played against a host on which everything is wrong."""
    playbook = tmp_path_factory.mktemp("role") / "redis.yml"
    playbook.write_text(json.dumps([_ROLE_ALONE]), encoding="utf-8")
    try:
        converged.on_host("set -e\n" + _HOUR_OFF + _OTHERS.format(image=converged.variables()["redis_image"]))
        wrong = converged.state()
        python = "ansible_python_interpreter=/usr/local/lib/hour-off/python3"
        site = converged.play("site", "-e", python, variables=_WRONG)
        converged.play_variables({})
        role = subprocess.run(
            ansible_playbook(converged.inventory, str(playbook)),
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        return Refused(site, role, differences(wrong, converged.state()))
    finally:
        converged.on_host(_NO_OTHERS)


def _sentences(run: Run) -> list[str]:
    return [line.removeprefix("Task failed: ") for failure in run.failures for line in failure.splitlines()]


def _is_one_sentence(text: str) -> bool:
    return text.endswith(".") and not re.search(r"[.!?] [A-Z]", text)


def _assert_first_step(run: Run) -> None:
    """The run ended at its first step on the host, and that changed nothing."""
    assert run.rc != 0
    assert run.changes == []
    assert [entry["task"] for entry in run.results if entry["event"] != "ok"][0].startswith(
        "selfhost.aistack.docker_host : Look"
    )
    assert "Configure the engine" not in run.output


@pytest.mark.parametrize("what", _TOLD)
def test_what_is_wrong_with_a_host_is_one_sentence(refused, what):
    told = [sentence for sentence in _sentences(refused.site) if re.fullmatch(_TOLD[what], sentence)]
    assert len(told) == 1, "\n".join(_sentences(refused.site))
    assert _is_one_sentence(told[0])


def test_all_of_it_is_told_at_once_and_nothing_changes(refused):
    _assert_first_step(refused.site)
    assert len(_sentences(refused.site)) == len(_TOLD), "\n".join(_sentences(refused.site))
    assert refused.differences == []


def test_an_app_refuses_a_project_of_somebody_else_by_itself(refused):
    """Roles are also used without site.yml."""
    assert refused.role.returncode == 2, refused.role.stdout
    told = " ".join(refused.role.stdout.split())
    assert "The compose project aistack_redis on this host has containers that this collection did not make" in told


def _one_sentence(run: Run) -> str:
    """The one sentence of a run that got nowhere."""
    _assert_first_step(run)
    sentences = _sentences(run)
    assert len(sentences) == 1, run.output
    assert _is_one_sentence(sentences[0]), sentences
    return sentences[0]


def test_a_host_that_is_not_there(converged, before):
    run = converged.play("site", "-e", "ansible_host=198.18.0.254 ansible_ssh_retries=0")
    assert re.fullmatch(
        rf"{converged.name} cannot be reached by ssh \(user ops, address 198\.18\.0\.254, port 22\): connect to host 198\.18\.0\.254"
        r" port 22: .*: see that the machine is on and its firewall lets ssh through, or correct ansible_host and ansible_port\.",
        _one_sentence(run),
    )


def test_a_user_who_may_not_log_in(converged, before):
    run = converged.play("site", "-e", "ansible_user=jane ansible_ssh_retries=0")
    assert re.fullmatch(
        rf"{converged.name} cannot be reached by ssh \(user jane, .*\): jane@\S+: Permission denied .*: set ansible_user and"
        r" ansible_ssh_private_key_file to those with which you can log in\.",
        _one_sentence(run),
    )


@pytest.fixture
def sudo_asks(converged: Stand, before: dict[str, Any]) -> Iterator[None]:
    """Have sudo ask the user for a password."""
    converged.on_host("cp -p /etc/sudoers.d/ops /root/ops.sudoers && sed -i 's/NOPASSWD://' /etc/sudoers.d/ops")
    yield
    converged.on_host("mv /root/ops.sudoers /etc/sudoers.d/ops")


def test_sudo_that_asks_for_a_password(converged, sudo_asks):
    sentence = _one_sentence(converged.play())
    assert sentence.startswith(f"sudo asks ops of {converged.name} for a password, and none was given: add -K ")
    assert "set ansible_become_password from a vault" in sentence


def test_sudo_that_refuses_the_password(converged, sudo_asks):
    run = converged.play("site", variables={"ansible_become_password": "hush-hush-hush"})
    sentence = _one_sentence(run)
    assert sentence.startswith(f"sudo refuses the password of ops on {converged.name}: correct ")
    assert "hush" not in run.output


def test_a_host_without_python(converged, before):
    found = converged.on_host("readlink /usr/bin/python3").strip()
    converged.on_host("rm /usr/bin/python3")
    try:
        run = converged.play()
    finally:
        converged.on_host(f"ln -s {shlex.quote(found)} /usr/bin/python3")
    assert _one_sentence(run) == (
        f"{converged.name} has no Python at /usr/bin/python3: install it there (apt-get install python3), or set"
        " ansible_python_interpreter to where it is."
    )


def test_the_host_is_what_it_was_before_all_this(converged, before):
    converged.on_host(
        "timeout 120 sh -c 'until [ \"$(docker inspect -f {{.State.Health.Status}} aistack_caddy-caddy-1)\" = healthy ]; do sleep 0.2; done'"
    )
    assert differences(settled(before), settled(converged.state())) == []
