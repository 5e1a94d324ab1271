# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Redis takes every password that is accepted, as it is, and so does who reads it out of the gateway's URL."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import redis
from fuzzbed.cases import cases, count, sentence_problem, told
from fuzzbed.redis_server import RedisServer
from fuzzbed.role import Role
from fuzzbed.values import NO_TEXT, mix, nasty
from hypothesis import strategies as st

ROLE = Role("redis", "playbooks/wiring/vars/main.yml")
_RANDOM = st.text(st.characters(codec="ascii"), min_size=16, max_size=40)
# As a rule long enough and of enough different characters to be looked at.
_ONE_LINE = nasty().map(lambda text: re.sub(r"[\x00-\x1f\x7f\ud800-\udfff]", "", text))
_LONG_ENOUGH = (_ONE_LINE.map("{}-9fK2xQ7vLm3Tz81".format), _ONE_LINE.map("9fK2xQ7vLm3Tz81 {}".format))
PASSWORDS = mix(*_LONG_ENOUGH * 4, nasty(), _RANDOM, NO_TEXT)


def accepted(made: list[Any], what: str) -> tuple[list[str], list[tuple[Any, str]]]:
    """The passwords that the role accepts, and what is wrong with how it refuses others."""
    good, failures = [], []
    for value in made:
        try:
            found = [text for text in ROLE.problems({"redis_password": value}) if text.startswith("redis_password")]
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told with the case
            failures.append((value, f"{type(error).__name__}: {error}"))
            continue
        if not found:
            good.append(value)
            continue
        shown = isinstance(value, str) and len(value) > 5 and value in found[0]
        why = sentence_problem(found[0]) or ("shows the password" if shown else "")
        failures += [(value, why)] if why else []
    count(what, len(good), len(made) - len(good))
    return good, failures


def test_redis_takes_every_password_that_is_accepted(tmp_path: Path) -> None:
    """Each password is that of a user, in a line that is read by the same rules as requirepass: one start, many passwords."""
    good, failures = accepted(cases(PASSWORDS, 160), "redis-server: redis.conf")
    assert len(good) > 100
    quoted = [ROLE.evaluate("{{ __redis_password_quoted }}", {"redis_password": f">{password}"}) for password in good]
    users = "".join(f"user u{number} on ~* +@all {text}\n" for number, text in enumerate(quoted))
    server = RedisServer(tmp_path, f"requirepass {quoted[0]}\n{users}")
    try:
        for number, password in enumerate(good):
            if not server.lets_in(password, f"u{number}"):
                failures.append((password, "does not let in"))
            if server.lets_in(password + " ", f"u{number}"):
                failures.append((password, "lets in with a blank behind it"))
    finally:
        server.stop()
    assert not failures, told(failures)


def test_the_role_s_own_line_sets_the_password(tmp_path: Path) -> None:
    good, failures = accepted(cases(PASSWORDS, 25), "redis-server: requirepass")
    for password in good:
        line = ROLE.evaluate("requirepass {{ __redis_password_quoted }}\n", {"redis_password": password})
        try:
            server = RedisServer(tmp_path, line)
        except ValueError as error:
            failures.append((password, error))
            continue
        try:
            if not server.lets_in(password) or server.lets_in(password[:-1]):
                failures.append((password, "is not the password"))
        finally:
            server.stop()
    assert not failures, told(failures)


def test_the_gateway_s_url_carries_every_password_that_is_accepted() -> None:
    good, failures = accepted(cases(PASSWORDS, 120), "redis-py: URL")
    for password in good:
        own = {"inventory_hostname": "it", "hostvars": {"it": {}}, "redis_password": password}
        url = ROLE.evaluate("{{ gateway_redis_url }}", own)
        problems = ROLE.evaluate("{{ gateway_redis_url | selfhost.aistack.check_url('u', ['redis', 'rediss']) }}", own)
        read = redis.connection.parse_url(url)
        if problems or (read.get("password"), read["host"], read["port"], read["db"]) != (password, "redis", 6379, 0):
            failures.append((password, f"{url}: {problems or read}"))
    assert not failures, told(failures)
