# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

import pytest
from argon2 import PasswordHasher

from ansible_collections.selfhost.aistack.plugins.plugin_utils import env_file
from ansible_collections.selfhost.aistack.plugins.plugin_utils.auth_environment import environment, secret_names
from ansible_collections.selfhost.aistack.plugins.plugin_utils.auth_rules import problems
from ansible_collections.selfhost.aistack.tests.unit.plugins.plugin_utils import compose_dotenv

RECORD = "$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHRzYWx0c2FsdA$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g"
PROVIDER = {
    "id": "company",
    "display_name": "Our company",
    "discovery_url": "https://login.example.org/.well-known/openid-configuration",
    "client_id": "reflow",
    "client_secret": "p$w'\"\\#;9 88",
}
KEY = "kH7wT2vQ9xR4mN6pL3sD"


def settings(**changes):
    return {
        "mode": "basic",
        "allow_open": False,
        "users": [{"name": "admin"}],
        "oidc_providers": [],
        "oidc_allow_http": False,
        "api_keys": [],
        "api_key_enabled": True,
        "api_key_header": "X-API-Key",
        "secret_key": "Zk3q" * 12,
        "session_ttl": 28800,
        "cookie_secure": True,
        "post_login_redirect": "/",
        **changes,
    }


def oidc(**changes):
    return settings(mode="oidc", users=[], oidc_providers=[{**PROVIDER, **changes}])


@pytest.mark.parametrize(
    "good",
    [
        settings(),
        settings(users=[{"name": "jane@example.org", "password": "correct horse battery"}]),
        settings(users=[{"name": "Jörg Müller", "record": RECORD}, {"name": "b", "password": "x1y2" * 50}]),
        settings(api_keys=[{"label": "batch"}, {"label": "b2", "key": "with:a:colon-" + KEY}, {"key": KEY}]),
        settings(session_ttl=300, cookie_secure=False, post_login_redirect="/viewer?x=1#y"),
        settings(mode="none", allow_open=True, users=[], secret_key=""),
        settings(api_key_enabled=False, allow_open=True),
        oidc(),
        oidc(scopes="openid groups"),
        {**oidc(discovery_url="http://198.18.0.1:20500/x"), "oidc_allow_http": True},
    ],
)
def test_settings_that_are_accepted(good):
    assert problems(good) == []


@pytest.mark.parametrize(
    ("bad", "variable", "why"),
    [
        (settings(mode="ldap"), "auth_mode", "'ldap', which is not known: set it to one of none, basic, oidc"),
        (settings(mode=None), "auth_mode", "one of none, basic, oidc"),
        (settings(mode="none"), "auth_mode", "auth_allow_open"),
        (settings(api_key_enabled=False), "auth_api_key_enabled", "auth_allow_open"),
        (settings(allow_open="true"), "auth_allow_open", "without quotes"),
        (settings(cookie_secure=None), "auth_cookie_secure", "not set"),
        (settings(secret_key="hush"), "auth_secret_key", "too short"),
        (settings(secret_key="hush-7" * 5 + "x"), "auth_secret_key", "31 characters"),
        (settings(secret_key="changeme" * 5), "auth_secret_key", "sample"),
        (settings(secret_key=""), "auth_secret_key", "not set"),
        (settings(session_ttl=299), "auth_session_ttl", "from 300 to 2592000"),
        (settings(session_ttl=2592001), "auth_session_ttl", "from 300 to 2592000"),
        (settings(api_key_header="X API"), "auth_api_key_header", "HTTP header"),
        (settings(api_key_header="X_API_KEY"), "auth_api_key_header", "letters, digits and hyphens"),
        (settings(api_key_header=""), "auth_api_key_header", "not set"),
        (settings(post_login_redirect="//evil.example"), "auth_post_login_redirect", "path"),
        (settings(post_login_redirect="/\\evil.example"), "auth_post_login_redirect", "path"),
        (settings(post_login_redirect="https://evil.example"), "auth_post_login_redirect", "path"),
        (settings(post_login_redirect="/a\nb"), "auth_post_login_redirect", "path"),
        (settings(users=[]), "auth_users", "nobody could sign in"),
        (settings(users=None), "auth_users", "nobody could sign in"),
        (settings(users="admin:hush"), "auth_users", "no list"),
        (settings(users={"name": "admin"}), "auth_users", "no list"),
        (settings(users=["hush"]), "auth_users", "no dictionary"),
        (settings(users=[{}]), "auth_users", "no name"),
        (settings(users=[{"name": "a:b"}]), "auth_users", "'a:b'"),
        (settings(users=[{"name": "a;b"}]), "auth_users", "'a;b'"),
        (settings(users=[{"name": " a"}]), "auth_users", "blanks"),
        (settings(users=[{"name": "a\nb"}]), "auth_users", "control"),
        (settings(users=[{"name": "a" * 65}]), "auth_users", "64"),
        (settings(users=[{"name": "a"}, {"name": "a"}]), "auth_users", "'a' twice"),
        (settings(users=[{"name": "a", "pasword": "hush"}]), "auth_users", "'pasword'"),
        (settings(users=[{"name": "a", "password": "hush"}]), "auth_users", "too short"),
        (settings(users=[{"name": "a", "password": ""}]), "auth_users", "not set"),
        (settings(users=[{"name": "a", "password": "hush7" * 41}]), "auth_users", "at most 200"),
        (settings(users=[{"name": "a", "password": "hush-hush-123", "record": RECORD}]), "auth_users", "one of them"),
        (settings(users=[{"name": "a", "record": "hush"}]), "auth_users", "PHC"),
        (settings(api_keys="hush"), "auth_api_keys", "no list"),
        (settings(api_keys=[{}]), "auth_api_keys", "empty"),
        (settings(api_keys=[{"label": "a:b"}]), "auth_api_keys", "'a:b'"),
        (settings(api_keys=[{"label": "a,b"}]), "auth_api_keys", "'a,b'"),
        (settings(api_keys=[{"label": ""}]), "auth_api_keys", "label"),
        (settings(api_keys=[{"label": "a"}, {"label": "a"}]), "auth_api_keys", "'a' twice"),
        (settings(api_keys=[{"label": "a", "key": "hush"}]), "auth_api_keys", "too short"),
        (settings(api_keys=[{"label": "a", "key": "hush,hush12" * 3}]), "auth_api_keys", "comma"),
        (settings(api_keys=[{"label": "a", "key": "hush hush12" * 3}]), "auth_api_keys", "blank"),
        (settings(api_keys=[{"label": "a", "key": "hüsh-hush12" * 3}]), "auth_api_keys", "ASCII"),
        (settings(api_keys=[{"key": "hush:hush12" * 3}]), "auth_api_keys", "give it a label"),
        (settings(mode="oidc"), "auth_oidc_providers", "nobody could sign in"),
        (oidc(client_secret=None), "auth_oidc_providers", "no client_secret"),
        (oidc(client_secret="hush"), "auth_oidc_providers", "too short"),
        (oidc(id="a/b"), "auth_oidc_providers", "'a/b'"),
        (oidc(id=".."), "auth_oidc_providers", "'..'"),
        (oidc(display_name=5), "auth_oidc_providers", "display_name"),
        (oidc(discovery_url="http://login.example.org/x"), "auth_oidc_providers", "'http'"),
        (oidc(discovery_url="login.example.org"), "auth_oidc_providers", "no URL"),
        (oidc(scopes="email"), "auth_oidc_providers", "openid"),
        (oidc(scopes=["openid"]), "auth_oidc_providers", "openid"),
        (oidc(tenant="x"), "auth_oidc_providers", "'tenant'"),
        (settings(mode="oidc", oidc_providers=[PROVIDER, PROVIDER]), "auth_oidc_providers", "'company' twice"),
    ],
)
def test_each_rule_is_one_sentence(bad, variable, why):
    found = problems(bad)
    assert len(found) == 1, found
    assert found[0].startswith(variable)
    assert why in found[0]
    assert found[0].endswith(".")
    assert "\n" not in found[0]
    assert "hush" not in found[0]
    with pytest.raises(ValueError, match=variable) as error:
        environment(bad, {})
    assert "hush" not in str(error.value)


def test_all_problems_are_told_at_once():
    assert len(problems(settings(mode="none", session_ttl=1, api_keys=[{}]))) == 3


def test_the_environment_of_basic():
    given = settings(
        users=[{"name": "admin"}, {"name": "jane", "password": "p$w'\"\\#;9 88"}, {"name": "joe", "record": RECORD}],
        api_keys=[{"label": "batch"}, {"label": "own", "key": "a:b:" + KEY}, {"key": KEY}],
    )
    names = secret_names(given)
    assert names == {
        "free": ["auth_salt_admin", "auth_password_admin", "auth_salt_jane"],
        "overlap": ["auth_api_key_batch"],
    }
    secrets = {name: f"made-for-{name}-xyz" for name in names["free"] + names["overlap"]}
    env = environment(given, secrets)
    users = dict(entry.split(":", 1) for entry in env.pop("AUTH_BASIC_USERS").split(";"))
    assert list(users) == ["admin", "jane", "joe"]
    assert PasswordHasher().verify(users["admin"], "made-for-auth_password_admin-xyz")
    assert PasswordHasher().verify(users["jane"], "p$w'\"\\#;9 88")
    assert users["joe"] == RECORD
    assert env == {
        "AUTH_MODE": "basic",
        "ENABLE_API_KEY_AUTH": "true",
        "API_KEY_HEADER_NAME": "X-API-Key",
        "API_KEYS": f"batch:made-for-auth_api_key_batch-xyz,own:a:b:{KEY},{KEY}",
        "AUTH_SECRET_KEY": given["secret_key"],
        "AUTH_SESSION_TTL_SECONDS": "28800",
        "AUTH_COOKIE_SECURE": "true",
        "AUTH_POST_LOGIN_REDIRECT": "/",
    }
    assert environment(given, secrets)["AUTH_BASIC_USERS"] == environment(given, secrets)["AUTH_BASIC_USERS"]


def test_the_environment_of_oidc_survives_compose():
    given = oidc(scopes="openid email", display_name="Größe & 'Co'")
    assert secret_names(given) == {"free": [], "overlap": []}
    env = environment(given, {})
    assert "AUTH_BASIC_USERS" not in env
    assert "\n" not in env["AUTH_OIDC_PROVIDERS"]
    read = compose_dotenv.parse(env_file.render(env))
    assert read == env
    assert json.loads(read["AUTH_OIDC_PROVIDERS"]) == given["oidc_providers"]


def test_the_environment_of_an_open_gateway():
    given = settings(mode="none", allow_open=True, users=None, secret_key="")
    assert secret_names(given) == {"free": [], "overlap": []}
    assert environment(given, {}) == {
        "AUTH_MODE": "none",
        "ENABLE_API_KEY_AUTH": "true",
        "API_KEY_HEADER_NAME": "X-API-Key",
    }


@pytest.mark.parametrize("users", [None, "x", ["x"], [{}], [{"name": 5}], {"name": "x"}])
def test_secret_names_pass_over_what_is_no_user(users):
    assert secret_names(settings(users=users, api_keys=users)) == {"free": [], "overlap": []}


def test_a_secret_of_the_store_is_held_against_the_rules_too():
    given = settings(api_keys=[{"label": "batch"}])
    secrets = {"auth_salt_admin": "s" * 32, "auth_password_admin": "hush", "auth_api_key_batch": "hush,hush12" * 3}
    with pytest.raises(ValueError, match="the key has a comma.*the password of admin has 4 characters") as error:
        environment(given, secrets)
    assert "hush" not in str(error.value)
