# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ten lines of a stranger's playbook use the role redis alone, and its README takes it away again."""

from __future__ import annotations

from pathlib import Path

import pytest

CONTAINER = "aistack_redis-redis-1"
README = Path(__file__).resolve().parents[3] / "roles" / "redis" / "README.md"


@pytest.fixture(scope="module")
def redis(stranger):
    """The host without Redis before and after."""
    undo = README.read_text(encoding="utf-8").partition("## Undo")[2].split("```")[1].removeprefix("sh\n")
    assert "docker compose" in undo
    stranger.on_host(undo)
    yield stranger
    stranger.on_host(undo)
    assert "aistack_redis" not in stranger.on_host("docker ps --all; docker volume ls; ls /opt/aistack")


def _ask(host, command: str) -> str:
    """What Redis answers to someone with the password that stands beside it."""
    password = "REDISCLI_AUTH=$(cat /run/secrets/password)"
    return host.on_host(f"docker exec {CONTAINER} sh -c '{password} redis-cli {command}'").strip()


def test_the_playbook_is_ten_lines_long(stranger):
    lines = (stranger.folder / "redis.yml").read_text().partition("---\n")[2].splitlines()
    assert len(lines) == 10


def test_it_brings_a_redis_with_a_password(redis):
    played = redis.play("redis.yml")
    assert played.failed == 0, played.output
    assert played.changed > 0
    assert _ask(redis, "ping") == "PONG"
    assert "NOAUTH" in redis.on_host(f"docker exec {CONTAINER} redis-cli ping")
    stored = (redis.folder / "site" / ".secrets.yml").read_text()
    assert redis.on_host("cat /opt/aistack/redis/secrets/password") in stored
    assert _ask(redis, "config get maxmemory").split()[-1] == str(64 * 1024**2)
    assert redis.on_host("docker inspect -f {{.HostConfig.Memory}} " + CONTAINER).strip() == str(128 * 1024**2)


def test_a_second_run_changes_nothing(redis):
    played = redis.play("redis.yml")
    assert (played.changed, played.failed) == (0, 0), played.output


def test_data_outlives_another_password_however_odd(redis):
    assert _ask(redis, "set kept 5") == "OK"
    odd = "a \"quoted\" $HOME `id` \\ \\n 'single' ; # : {{ '{{' }} grün % end\\"
    played = redis.play("redis.yml", redis_password=odd)
    assert played.failed == 0, played.output
    assert odd.replace("{{ '{{' }}", "{{") == redis.on_host("cat /opt/aistack/redis/secrets/password")
    assert _ask(redis, "get kept") == "5"
    assert "grün" not in played.output
    again = redis.play("redis.yml", redis_password=odd)
    assert (again.changed, again.failed) == (0, 0), again.output


def test_it_is_published_on_one_address_and_no_other(redis):
    assert ":6400" not in redis.on_host("ss -Htln")
    played = redis.play("redis.yml", redis_bind_address="127.0.0.2", redis_port=6400)
    assert played.failed == 0, played.output
    listening = [line.split()[3] for line in redis.on_host("ss -Htln").splitlines()]
    assert [socket for socket in listening if socket.endswith(":6400")] == ["127.0.0.2:6400"]
    assert redis.play("redis.yml").failed == 0
