# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The gateway's own settings read of its environment what the variables of the role auth say, or these are refused."""

from __future__ import annotations

import hashlib
import os
import sys
from typing import Any
from unittest import mock

from fuzzbed.cases import cases, count, sentence_problem, told
from fuzzbed.role import REPOSITORY
from fuzzbed.values import NO_TEXT, mix, nasty, near
from hypothesis import strategies as st

from ansible_collections.selfhost.aistack.plugins.plugin_utils import env_file
from ansible_collections.selfhost.aistack.plugins.plugin_utils.auth_environment import environment
from ansible_collections.selfhost.aistack.plugins.plugin_utils.auth_rules import problems

sys.path.insert(0, str(REPOSITORY / "roles" / "gateway" / "files" / "reference"))

from reference_gateway import apikeys, oidc_providers, settings, users  # noqa: E402

RECORD = "$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHRzYWx0c2FsdA$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g"
_LONG = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=40, max_size=40)
_SECRETS = mix(_LONG, nasty().map("{}-9fK2xQ7vLm3Tz81-9fK2xQ7vLm3Tz81".format), nasty(), NO_TEXT)
_NAMES = mix(st.sampled_from(["admin", "jane@example.org", "Jörg Müller"]), nasty(3), NO_TEXT)
_USERS = st.fixed_dictionaries({"name": _NAMES, "record": mix(*[st.just(RECORD)] * 4, near(st.just(RECORD)))})
_KEYS = mix(
    st.fixed_dictionaries({"label": mix(_NAMES, st.from_regex("[a-z]{1,8}", fullmatch=True)), "key": _SECRETS}),
    st.fixed_dictionaries({"key": _SECRETS}),
)
_PROVIDERS = st.fixed_dictionaries(
    {
        "id": mix(st.from_regex("[A-Za-z0-9_-]{1,64}", fullmatch=True), _NAMES),
        "display_name": _NAMES,
        "discovery_url": mix(
            st.just("https://login.example.org/.well-known/openid-configuration"),
            near(st.just("https://login.example.org/x")),
        ),
        "client_id": _NAMES,
        "client_secret": _SECRETS,
        "scopes": mix(st.just("openid email"), near(st.just("openid email"))),
    }
)
USUAL = {
    "mode": "basic",
    "allow_open": False,
    "users": [{"name": "admin", "record": RECORD}],
    "oidc_providers": [],
    "oidc_allow_http": False,
    "api_keys": [],
    "api_key_enabled": True,
    "api_key_header": "X-API-Key",
    "secret_key": "Zk3q" * 12,
    "session_ttl": 28800,
    "cookie_secure": True,
    "post_login_redirect": "/",
}
_OTHERS = {
    "api_key_header": mix(st.from_regex("[A-Za-z][A-Za-z0-9-]{0,20}", fullmatch=True), near(st.just("X-API-Key"))),
    "secret_key": _SECRETS,
    "session_ttl": mix(st.integers(300, 2592000), st.integers()),
    "cookie_secure": mix(st.booleans(), NO_TEXT),
    "post_login_redirect": mix(st.from_regex("/[!-~]{0,12}", fullmatch=True), near(st.just("/viewer?x=1#y"))),
}
SETTINGS = mix(
    st.builds(lambda found: {**USUAL, "users": found}, st.lists(_USERS, min_size=1, max_size=2)),
    st.builds(lambda found: {**USUAL, "api_keys": found}, st.lists(_KEYS, min_size=1, max_size=2)),
    st.builds(lambda one: {**USUAL, "mode": "oidc", "users": [], "oidc_providers": [one]}, _PROVIDERS),
    st.sampled_from(sorted(_OTHERS)).flatmap(
        lambda name: _OTHERS[name].map(lambda value, name=name: {**USUAL, name: value})
    ),
)


def difference(meant: dict[str, Any], env: dict[str, str]) -> str:
    """What the gateway reads of its environment that is not what the role was given."""
    with mock.patch.dict(os.environ, env, clear=True):
        read = settings.load()
    keys = apikeys.parse(settings.secret(read.api_keys))
    wrong = {
        "header": read.api_key_header_name != meant["api_key_header"],
        "ttl": read.auth_session_ttl_seconds != int(meant["session_ttl"]),
        "cookie": read.auth_cookie_secure is not meant["cookie_secure"],
        "redirect": read.auth_post_login_redirect != meant["post_login_redirect"],
        "secret key": settings.secret(read.auth_secret_key) != meant["secret_key"],
        "keys": [(key.label, key.digest) for key in keys]
        != [
            (entry.get("label", f"key-{number}"), hashlib.sha256(entry["key"].encode()).digest())
            for number, entry in enumerate(meant["api_keys"], start=1)
        ],
    }
    if meant["mode"] == "basic":
        known = users.parse(settings.secret(read.auth_basic_users))
        wrong["users"] = known != {user["name"]: user["record"] for user in meant["users"]}
    else:
        providers = oidc_providers.parse(settings.secret(read.auth_oidc_providers))
        wrong["providers"] = [vars(one) for one in providers.values()] != meant["oidc_providers"]
    return ", ".join(f"the gateway reads another {what}" for what, is_wrong in wrong.items() if is_wrong)


def test_the_gateway_reads_what_the_role_auth_was_given() -> None:
    made = cases(SETTINGS, 600)
    failures, refused = [], 0
    for given in made:
        changed = {name: value for name, value in given.items() if value != USUAL[name]}
        try:
            sentences = problems(given)
            if sentences:
                refused += 1
                failures += [(changed, why) for why in map(sentence_problem, sentences) if why]
                continue
            env = environment(given, {})
            why = "; ".join(env_file.problems(env)) or difference(given, env)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told with the case
            why = f"{type(error).__name__}: {error}"
        failures += [(changed, why)] if why else []
    count("the gateway's settings", len(made) - refused, refused)
    assert len(made) - refused > 100
    assert not failures, told(failures)
