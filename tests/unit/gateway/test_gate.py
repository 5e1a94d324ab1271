# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who gets in where: sessions, API keys, the open mode, forged headers, CSRF."""

import pytest
from two_users import BASIC

DOCUMENT = "/api/v1/documents/00000000-0000-4000-8000-000000000000"
SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}
CREDENTIALS = {"username": "ada", "password": "pass:word;1"}
KEYS = {"API_KEYS": "robot:abc:def, plain-key ,"}


def sign_in(client, **headers: str):
    return client.post("/api/v1/auth/login", json=CREDENTIALS, headers={"Origin": "https://site.test", **headers})


def passes(client, path: str = DOCUMENT, **headers: str) -> bool:
    """Whether the gate lets a request through; behind it there is no Redis, so what passes is answered with 503."""
    status = client.get(path, headers=headers).status_code
    assert status in (401, 503)
    return status == 503


@pytest.mark.parametrize("mode", [{}, BASIC], ids=["none", "basic"])
@pytest.mark.parametrize(
    ("key", "enters"),
    [
        ("abc:def", True),
        ("plain-key", True),
        ("abc", False),
        ("robot", False),
        ("", False),
        ("plain-kex", False),
        ("ä", False),
    ],
)
def test_api_keys(client, mode, key: str, enters: bool) -> None:
    made = client(**mode, **KEYS)
    answer = made.get(DOCUMENT, headers={"X-API-Key": key.encode("latin-1")})
    assert answer.status_code == (503 if enters else 401)
    if not enters:
        assert answer.headers["www-authenticate"] == "ApiKey"


def test_another_header_name(client) -> None:
    made = client(**KEYS, API_KEY_HEADER_NAME="X-Reflow")
    assert passes(made, **{"X-Reflow": "plain-key"})
    assert not passes(made, **{"X-API-Key": "plain-key"})


def test_without_keys_every_keyed_request_is_refused(client) -> None:
    assert not passes(client(**BASIC), **{"X-API-Key": "anything"})


def test_keys_switched_off(client) -> None:
    assert passes(client(ENABLE_API_KEY_AUTH="false")), "no key and no sign-in: an open gateway"
    assert not passes(client(ENABLE_API_KEY_AUTH="false", **BASIC, **KEYS), **{"X-API-Key": "plain-key"})


def test_the_same_origin_mark_opens_mode_none_only(client) -> None:
    assert passes(client(), **SAME_ORIGIN)
    assert not passes(client())
    assert not passes(client(), **{"Sec-Fetch-Site": "cross-site"})
    assert not passes(client(**KEYS), **SAME_ORIGIN, **{"X-API-Key": "wrong"})
    assert not passes(client(**BASIC), **SAME_ORIGIN)


def test_a_login_needs_this_sites_origin(client) -> None:
    made = client(**BASIC)
    for headers in (
        {},
        {"Origin": "https://evil.test"},
        {"Origin": "http://site.test"},
        {"Sec-Fetch-Site": "same-site"},
    ):
        assert made.post("/api/v1/auth/login", json=CREDENTIALS, headers=headers).status_code == 403
    assert made.post("/api/v1/auth/login", json=CREDENTIALS, headers=SAME_ORIGIN).status_code == 200
    assert sign_in(made).status_code == 200


def test_a_session_opens_the_api_and_its_cookies_are_closed(client) -> None:
    made = client(**BASIC)
    answer = sign_in(made)
    session, csrf = sorted(answer.headers.get_list("set-cookie"))
    assert session.startswith("reflow_session=")
    assert "HttpOnly" in session
    assert csrf.startswith("reflow_session_csrf=")
    assert "HttpOnly" not in csrf
    for cookie in (session, csrf):
        assert "Secure" in cookie
        assert "samesite=lax" in cookie.lower()
        assert "Max-Age=28800" in cookie
    assert passes(made)
    assert made.get("/api/v1/auth/me").json() == {
        "authenticated": True,
        "subject": "ada",
        "name": "ada",
        "method": "session",
    }


def test_an_unsafe_request_by_cookie_needs_the_sessions_own_csrf_value(client) -> None:
    made, other = client(**BASIC), client(**BASIC)
    csrf, foreign = sign_in(made).json()["csrf_token"], sign_in(other).json()["csrf_token"]
    for path in ("/api/v1/documents/submit", f"{DOCUMENT}/stream/token", "/api/v1/auth/logout"):
        assert made.post(path).status_code == 403
        assert made.post(path, headers={"X-CSRF-Token": foreign}).status_code == 403
    assert made.post(f"{DOCUMENT}/stream/token", headers={"X-CSRF-Token": csrf}).status_code == 503


def test_a_key_needs_no_csrf_value_even_beside_a_cookie(client) -> None:
    made = client(**BASIC, **KEYS)
    sign_in(made)
    assert made.post(f"{DOCUMENT}/stream/token", headers={"X-API-Key": "plain-key"}).status_code == 503


def test_signing_out(client) -> None:
    made = client(**BASIC)
    csrf = sign_in(made).json()["csrf_token"]
    assert made.post("/api/v1/auth/logout", headers={"X-CSRF-Token": csrf}).status_code == 204
    assert not passes(made)
    assert made.post("/api/v1/auth/logout").status_code == 401


def test_me_knows_sessions_and_keys_in_every_mode_and_nobody_else(client) -> None:
    key = {"X-API-Key": "abc:def"}
    who = {"authenticated": True, "subject": "api-key:robot", "name": "robot", "method": "api_key"}
    for mode in ({}, BASIC):
        made = client(**mode, **KEYS)
        assert made.get("/api/v1/auth/me", headers=key).json() == who
        for headers in ({}, SAME_ORIGIN, {"X-API-Key": "wrong"}):
            assert made.get("/api/v1/auth/me", headers=headers).status_code == 401


def test_a_session_of_another_secret_or_purpose_is_none(client) -> None:
    made = client(**BASIC)
    cookie = made.cookies.get("reflow_session") or sign_in(made).cookies["reflow_session"]
    for value in (cookie[:-2], cookie + "x", "e30.x.y", ""):
        other = client(**BASIC)
        other.cookies.set("reflow_session", value)
        assert not passes(other)
    rotated = client(**{**BASIC, "AUTH_SECRET_KEY": "z" * 32})
    rotated.cookies.set("reflow_session", cookie)
    assert not passes(rotated)
    opened = client()
    opened.cookies.set("reflow_session", cookie)
    assert not passes(opened), "in mode none there are no sessions"


def test_sessions_end_and_slide(client, monkeypatch) -> None:
    made = client(**BASIC, AUTH_SESSION_TTL_SECONDS="300")
    sign_in(made)
    now = __import__("time").time()
    clock = {"now": now}
    for module in ("itsdangerous.timed.time.time", "reference_gateway.sessions.time.time"):
        monkeypatch.setattr(module, lambda: clock["now"])
    clock["now"] = now + 140
    assert "set-cookie" not in made.get("/api/v1/auth/me").headers
    clock["now"] = now + 160
    renewed = made.get("/api/v1/auth/me")
    assert len(renewed.headers.get_list("set-cookie")) == 2
    clock["now"] = now + 450
    assert made.get("/api/v1/auth/me").status_code == 200, "it was renewed 290 seconds ago"
    clock["now"] = now + 800
    assert made.get("/api/v1/auth/me").status_code == 401


def test_paths_outside_the_api_are_open_and_the_stream_asks_for_its_token(client) -> None:
    made = client(**BASIC)
    assert made.get("/").status_code == 200
    assert made.get("/viewer/x", follow_redirects=False).headers["location"] == "/"
    assert made.get("/openapi.json").status_code == 200
    assert made.get("/docs").status_code == 404
    assert made.get("/api/v1/auth/config").json()["mode"] == "basic"
    assert made.get(f"{DOCUMENT}/stream").status_code == 503, "its token is looked up in Redis"
    assert made.get("/api/v2/anything").status_code == 401


def test_security_headers_are_on_every_answer(client) -> None:
    made = client()
    for path in ("/", "/static/app.js", DOCUMENT, "/nothing"):
        headers = made.get(path).headers
        assert "script-src 'self'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-frame-options"] == "DENY"
        assert headers["x-content-type-options"] == "nosniff"
    assert made.get(DOCUMENT).headers["cache-control"] == "no-store"
