# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the variables of the role auth must fulfil, so that the gateway starts with them and nobody else gets in.

The settings are a dictionary with the names of the role's variables without `auth_`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ansible_collections.selfhost.aistack.plugins.plugin_utils import checks
from ansible_collections.selfhost.aistack.plugins.plugin_utils.password_record import LONGEST_PASSWORD, is_record

MODES = ("none", "basic", "oidc")
PROVIDER_KEYS = ("id", "display_name", "discovery_url", "client_id", "client_secret")
_SHORTEST = {"secret_key": 32, "password": 12, "api_key": 20, "client_secret": 8}
_USER_NAME = re.compile(r"[^\s:;](?:[^:;]{0,62}[^\s:;])?")
_LABEL = re.compile(r"[^\s:,]{1,64}")
_PROVIDER_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
# Less than HTTP allows: proxies drop names with an underscore, and the gateway takes no others.
_HEADER = re.compile(r"[A-Za-z0-9-]{1,64}")
_LOCAL_PATH = re.compile(r"/(?:[!-.0-\[\]-~][!-\[\]-~]*)?")


def problems(settings: Mapping[str, Any]) -> list[str]:
    """One sentence for each rule that `settings` break; no sentence shows a secret."""
    found = checks.choice(settings["mode"], "auth_mode", MODES)
    for name in ("allow_open", "cookie_secure", "api_key_enabled", "oidc_allow_http"):
        found += _boolean(settings[name], f"auth_{name}")
    found += _openness(settings)
    found += checks.integer(settings["session_ttl"], "auth_session_ttl", 300, 2592000)
    found += _match(
        _HEADER,
        settings["api_key_header"],
        "auth_api_key_header",
        "the name of an HTTP header of letters, digits and hyphens, such as X-API-Key",
    )
    found += _match(
        _LOCAL_PATH,
        settings["post_login_redirect"],
        "auth_post_login_redirect",
        "a path on the site itself, with one slash in front, such as /",
    )
    found += _listed(settings["api_keys"], "auth_api_keys", ("label", "key"), _api_key)
    found += _unique(settings["api_keys"], "auth_api_keys", "label")
    if settings["mode"] in ("basic", "oidc"):
        found += checks.secret(settings["secret_key"], "auth_secret_key", _SHORTEST["secret_key"])
    if settings["mode"] == "basic":
        found += _at_least_one(settings["users"], "auth_users", "a user")
        found += _listed(settings["users"], "auth_users", ("name", "password", "record"), _user)
        found += _unique(settings["users"], "auth_users", "name")
    if settings["mode"] == "oidc":
        found += _at_least_one(settings["oidc_providers"], "auth_oidc_providers", "a provider")
        found += _listed(
            settings["oidc_providers"],
            "auth_oidc_providers",
            (*PROVIDER_KEYS, "scopes"),
            lambda provider, where: _provider(provider, where, settings["oidc_allow_http"] is True),
        )
        found += _unique(settings["oidc_providers"], "auth_oidc_providers", "id")
    return found


def entries(value: Any) -> Iterator[Mapping[str, Any]]:
    """The entries of a list that are dictionaries."""
    if isinstance(value, list):
        yield from (entry for entry in value if isinstance(entry, Mapping))


def _boolean(value: Any, name: str) -> list[str]:
    if isinstance(value, bool):
        return []
    shown = "not set" if value in (None, "") else repr(value)[:80]
    return [
        f"{name} is {shown}: set it to true or false without quotes, on the command line as -e '{{\"{name}\": true}}'."
    ]


def _openness(settings: Mapping[str, Any]) -> list[str]:
    """An open gateway must be meant."""
    if settings["allow_open"] is True:
        return []
    found = []
    if settings["mode"] == "none":
        found.append(
            "auth_mode is 'none', which lets everybody use the gateway: set it to basic or oidc, "
            "or set auth_allow_open to true if an open gateway is meant."
        )
    if settings["api_key_enabled"] is False:
        found.append(
            "auth_api_key_enabled is False, which takes the gate off the API for everybody and in every mode: set it to true "
            "(without auth_api_keys only people who signed in get through), or set auth_allow_open to true if that is meant."
        )
    return found


def _match(pattern: re.Pattern[str], value: Any, name: str, accepted: str) -> list[str]:
    if isinstance(value, str) and pattern.fullmatch(value):
        return []
    shown = repr(str(value))[:80] if value not in (None, "") else "not set"
    return [f"{name} is {shown}: set it to {accepted}."]


def _at_least_one(value: Any, name: str, what: str) -> list[str]:
    return [f"{name} is empty, so that nobody could sign in: add {what}."] if value in (None, []) else []


def _listed(
    value: Any, name: str, keys: tuple[str, ...], check: Callable[[Mapping[str, Any], str], list[str]]
) -> list[str]:
    """The problems of each entry of a list of dictionaries with no other keys than `keys`."""
    accepted = f"a list of dictionaries with the keys {', '.join(keys)}"
    if value is None:
        return []
    if not isinstance(value, list):
        return [f"{name} is no list: set it to {accepted}."]
    found = []
    for number, entry in enumerate(value, start=1):
        where = f"{name}: entry {number}"
        if not isinstance(entry, Mapping):
            found.append(f"{where} is no dictionary: set {name} to {accepted}.")
            continue
        unknown = [str(key) for key in entry if key not in keys]
        if unknown:
            found.append(f"{where} has the unknown key {unknown[0]!r}: use only {', '.join(keys)}.")
        found += check(entry, where)
    return found


def _unique(value: Any, name: str, key: str) -> list[str]:
    seen: set[str] = set()
    for entry in entries(value):
        text = entry.get(key)
        if isinstance(text, str) and text in seen:
            return [f"{name} has the {key} {text!r} twice: give every entry its own."]
        if isinstance(text, str):
            seen.add(text)
    return []


def _user(user: Mapping[str, Any], where: str) -> list[str]:
    name = user.get("name")
    if not isinstance(name, str) or not _USER_NAME.fullmatch(name) or not name.isprintable():
        shown = repr(str(name))[:80] if name else "no name"
        return [
            (
                f"{where} has {shown} as its name: give a text of 1 to 64 characters without a colon, a semicolon, "
                "control characters and blanks at its ends."
            )
        ]
    if "password" in user and "record" in user:
        return [f"{where} ({name}) has a password and a record: keep one of them."]
    if "record" in user and not is_record(user["record"]):
        return [
            (
                f"{where} ({name}) has a record that is none: give a PHC string such as $argon2id$v=19$m=65536,t=3,p=4$..., "
                "or leave it out and give a password."
            )
        ]
    if "password" not in user:
        return []
    found = checks.secret(user["password"], f"{where}: the password of {name}", _SHORTEST["password"])
    if not found and len(user["password"]) > LONGEST_PASSWORD:
        length = len(user["password"])
        return [f"{where}: the password of {name} has {length} characters: give at most {LONGEST_PASSWORD}."]
    return found


def _api_key(entry: Mapping[str, Any], where: str) -> list[str]:
    label, key = entry.get("label"), entry.get("key")
    if "label" in entry and not (isinstance(label, str) and _LABEL.fullmatch(label) and label.isprintable()):
        return [
            f"{where} has {str(label)[:64]!r} as its label: give a text of 1 to 64 characters without a colon, a comma or blanks."
        ]
    if "key" not in entry:
        if "label" in entry:
            return []
        return [f"{where} is empty: give it a label, for which a key is made, or a key of your own."]
    shown = f"{where} ({label})" if label else where
    found = checks.secret(key, f"{shown}: the key", _SHORTEST["api_key"])
    if found:
        return found
    if not re.fullmatch(r"[!-~]+", key) or "," in key:
        return [f"{shown}: the key has a comma, a blank or a character that is not ASCII: give one without them."]
    if ":" in key and not label:
        return [
            f"{shown}: the key has a colon and what stands in front of it would be taken for a label: give it a label."
        ]
    return []


def _provider(provider: Mapping[str, Any], where: str, allow_http: bool) -> list[str]:
    missing = [key for key in PROVIDER_KEYS if provider.get(key) in (None, "")]
    if missing:
        return [f"{where} has no {missing[0]}: give every provider the keys {', '.join(PROVIDER_KEYS)}."]
    found = []
    for key in ("display_name", "client_id"):
        if not isinstance(provider[key], str) or not provider[key].isprintable():
            found.append(
                f"{where} has a {key} that is no text on one line: set it as the identity provider shows it, in quotes."
            )
    found += _match(
        _PROVIDER_ID,
        provider["id"],
        f"{where}: id",
        "1 to 64 letters, digits, _ and -, since it stands in the callback address",
    )
    found += checks.secret(provider["client_secret"], f"{where}: client_secret", _SHORTEST["client_secret"])
    schemes = ("https", "http") if allow_http else ("https",)
    found += checks.url(provider["discovery_url"], f"{where}: discovery_url", schemes)
    scopes = provider.get("scopes", "openid")
    if not isinstance(scopes, str) or "openid" not in scopes.split() or not scopes.isprintable():
        found.append(
            f"{where} has scopes without openid: set them to words with blanks between, such as openid email profile."
        )
    return found
