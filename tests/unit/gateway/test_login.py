# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Passwords: which are right, how often one may try, and that no more than two are verified at once."""

import asyncio
import threading

from reference_gateway import users
from reference_gateway.attempts import Attempts
from reference_gateway.forwarded import client_address
from starlette.requests import HTTPConnection
from two_users import BASIC

ORIGIN = {"Origin": "https://site.test"}


def attempt(client, name: str, password: str, **headers: str):
    return client.post(
        "/api/v1/auth/login", json={"username": name, "password": password}, headers={**ORIGIN, **headers}
    )


def test_right_and_wrong(client) -> None:
    made = client(**BASIC)
    assert attempt(made, "grace", "second").json()["name"] == "grace"
    for name, password in (("grace", "Second"), ("ada", "second"), ("nobody", "second"), ("Grace", "second")):
        answer = attempt(made, name, password)
        assert (answer.status_code, answer.json()) == (401, {"detail": "The user name or the password is wrong."})
        assert "set-cookie" not in answer.headers


def test_a_password_is_at_most_200_characters(client) -> None:
    made = client(**BASIC)
    assert attempt(made, "ada", "x" * 200).status_code == 401
    assert attempt(made, "ada", "x" * 201).status_code == 422
    assert attempt(made, "", "x").status_code == 422
    assert attempt(made, "ada", "x" * 100_000).status_code == 413


def test_only_mode_basic_takes_passwords(client) -> None:
    assert attempt(client(), "ada", "x").status_code == 404


def test_ten_failures_a_minute_for_a_user_from_an_address(client) -> None:
    made = client(**BASIC)
    assert [attempt(made, "ada", "wrong").status_code for _unused in range(11)] == [401] * 10 + [429]
    limited = attempt(made, "ada", "pass:word;1")
    assert limited.status_code == 429
    assert 1 <= int(limited.headers["retry-after"]) <= 61
    assert attempt(made, "grace", "second").status_code == 200
    assert attempt(made, "ada", "pass:word;1", **{"X-Forwarded-For": "203.0.113.8"}).status_code == 200


def test_a_forged_forwarded_for_does_not_help(client) -> None:
    made = client(**BASIC)
    statuses = [
        attempt(made, "ada", "wrong", **{"X-Forwarded-For": f"192.0.2.{n}, 203.0.113.7"}).status_code for n in range(11)
    ]
    assert statuses[-1] == 429


def test_the_address_is_the_edges_last_entry() -> None:
    def address(*values: str) -> str:
        headers = [(b"x-forwarded-for", value.encode()) for value in values]
        return client_address(HTTPConnection({"type": "http", "headers": headers, "client": ("192.0.2.1", 5)}))

    assert address() == "192.0.2.1"
    assert address("203.0.113.7") == "203.0.113.7"
    assert address("1.1.1.1, 2.2.2.2", "3.3.3.3 , ") == "3.3.3.3"


def test_attempts_count_failures_in_a_sliding_minute() -> None:
    now = 0.0
    attempts = Attempts(lambda: now)
    for _unused in range(10):
        assert attempts.start("ada", "a") == 0
    assert attempts.start("ada", "a") == 60
    now = 59.0
    assert attempts.start("ada", "a") == 1
    now = 60.0
    assert attempts.start("ada", "a") == 0
    now = 200.0
    for _unused in range(100):
        assert attempts.start("ada", "a") == 0
        attempts.succeeded("ada", "a")


def test_an_address_is_limited_whatever_names_it_tries() -> None:
    attempts = Attempts(lambda: 0.0)
    assert [attempts.start(f"user{n}", "a") for n in range(30)] == [0] * 30
    assert attempts.start("another", "a") == 60
    assert attempts.start("another", "b") == 0


def test_attempts_do_not_grow_without_end() -> None:
    now = 0.0
    attempts = Attempts(lambda: now)
    for n in range(30_000):
        now += 0.1
        attempts.start("x", f"address-{n}")
    assert len(attempts._seen) <= 12_000


def test_no_more_than_two_passwords_are_verified_at_once(monkeypatch) -> None:
    running, most, lock = 0, 0, threading.Lock()
    together = threading.Barrier(2, timeout=5)

    def slow(record: str, password: str) -> bool:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        together.wait()
        with lock:
            running -= 1
        return True

    monkeypatch.setattr(users, "_matches", slow)

    async def crowd() -> None:
        known = users.Users({"ada": "record"}, asyncio.Semaphore(users.VERIFICATIONS_AT_ONCE))
        await asyncio.gather(*(known.verify("ada", "x") for _unused in range(6)))

    asyncio.run(crowd())
    assert most == 2
