# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The environment that tells the gateway who may use it, made from the variables of the role auth."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.selfhost.aistack.plugins.plugin_utils.auth_rules import PROVIDER_KEYS, entries, problems
from ansible_collections.selfhost.aistack.plugins.plugin_utils.env_file import as_text
from ansible_collections.selfhost.aistack.plugins.plugin_utils.password_record import record


def secret_names(settings: Mapping[str, Any]) -> dict[str, list[str]]:
    """The secrets that `settings` leave to the secret store, by their class.

    Entries that break a rule are passed over, since `problems` tells about them.
    """
    names: dict[str, list[str]] = {"free": [], "overlap": []}
    if settings["mode"] == "basic":
        for user in entries(settings["users"]):
            if "record" in user or not isinstance(user.get("name"), str):
                continue
            names["free"].append(_salt_name(user))
            if "password" not in user:
                names["free"].append(_password_name(user))
    for key in entries(settings["api_keys"]):
        if "key" not in key and isinstance(key.get("label"), str):
            names["overlap"].append(_key_name(key))
    return names


def environment(settings: Mapping[str, Any], secrets: Mapping[str, str]) -> dict[str, str]:
    """The variables of the gateway; `secrets` has a value for each of `secret_names`.

    Raises ValueError with the sentences of `problems` where a rule is broken, by a secret of the store too.
    """
    settings = {
        **settings,
        "users": _filled(settings["users"], "password", _password_name, secrets),
        "api_keys": _filled(settings["api_keys"], "key", _key_name, secrets),
    }
    found = problems(settings)
    if found:
        raise ValueError(" ".join(found))
    mode = "".join(settings["mode"])
    env = {
        "AUTH_MODE": mode,
        "ENABLE_API_KEY_AUTH": as_text(settings["api_key_enabled"]),
        "API_KEY_HEADER_NAME": as_text(settings["api_key_header"]),
    }
    keys = [_key(entry) for entry in entries(settings["api_keys"])]
    if keys:
        env["API_KEYS"] = ",".join(keys)
    if mode == "none":
        return env
    env["AUTH_SECRET_KEY"] = as_text(settings["secret_key"])
    env["AUTH_SESSION_TTL_SECONDS"] = as_text(settings["session_ttl"])
    env["AUTH_COOKIE_SECURE"] = as_text(settings["cookie_secure"])
    env["AUTH_POST_LOGIN_REDIRECT"] = as_text(settings["post_login_redirect"])
    if mode == "basic":
        env["AUTH_BASIC_USERS"] = ";".join(_user(user, secrets) for user in entries(settings["users"]))
    else:
        providers = [_provider(provider) for provider in entries(settings["oidc_providers"])]
        env["AUTH_OIDC_PROVIDERS"] = json.dumps(providers, ensure_ascii=False)
    return env


def _salt_name(user: Mapping[str, Any]) -> str:
    return f"auth_salt_{user.get('name')}"


def _password_name(user: Mapping[str, Any]) -> str:
    return f"auth_password_{user.get('name')}"


def _key_name(key: Mapping[str, Any]) -> str:
    return f"auth_api_key_{key.get('label')}"


def _filled(value: Any, field: str, name_of: Callable[[Mapping[str, Any]], str], secrets: Mapping[str, str]) -> Any:
    """The list with `field` set from `secrets` in each entry that leaves it to them."""
    if not isinstance(value, list):
        return value
    return [
        {field: secrets[name_of(entry)], **entry} if isinstance(entry, Mapping) and name_of(entry) in secrets else entry
        for entry in value
    ]


def _user(user: Mapping[str, Any], secrets: Mapping[str, str]) -> str:
    proof = user["record"] if "record" in user else record(user["password"], secrets[_salt_name(user)])
    return f"{user['name']}:{proof}"


def _key(entry: Mapping[str, Any]) -> str:
    return f"{entry['label']}:{entry['key']}" if "label" in entry else str(entry["key"])


def _provider(provider: Mapping[str, Any]) -> dict[str, str]:
    return {key: str(provider[key]) for key in (*PROVIDER_KEYS, "scopes") if key in provider}
