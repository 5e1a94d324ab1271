# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AUTH_OIDC_PROVIDERS: a JSON list of identity providers."""

import json
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

REQUIRED = ("id", "display_name", "discovery_url", "client_id", "client_secret")
IDENTIFIER = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True)
class Provider:
    """One identity provider as the operator registered it."""

    id: str
    display_name: str
    discovery_url: str
    client_id: str
    client_secret: str
    scopes: str = "openid email profile"


def parse(text: str) -> dict[str, Provider]:
    """Read the list. Raises ValueError with the rest of a sentence that begins with the variable's name."""
    try:
        entries = json.loads(text)
    except ValueError:
        raise ValueError("is not JSON; it takes a list of objects on one line.") from None
    if not isinstance(entries, list) or not entries:
        raise ValueError("is not a list with at least one provider, which AUTH_MODE=oidc needs.")
    providers: dict[str, Provider] = {}
    for number, entry in enumerate(entries, start=1):
        provider = _provider(number, entry)
        if provider.id in providers:
            raise ValueError(f"names the id {provider.id!r} twice; every provider needs its own.")
        providers[provider.id] = provider
    return providers


def _provider(number: int, entry: object) -> Provider:
    where = f"has in entry {number}"
    if not isinstance(entry, dict):
        raise ValueError(f"{where} something that is no object; needed are the keys {', '.join(REQUIRED)}.")
    for key in REQUIRED:
        if not isinstance(entry.get(key), str) or not entry[key]:
            raise ValueError(f"{where} no text for the key {key!r}; needed are {', '.join(REQUIRED)}.")
    if not IDENTIFIER.fullmatch(entry["id"]):
        raise ValueError(
            f"{where} the id {entry['id']!r}; it takes letters, digits, underscores and hyphens, at most 64."
        )
    address = urlsplit(entry["discovery_url"])
    if address.scheme not in ("http", "https") or not address.hostname:
        raise ValueError(f"{where} the discovery_url {entry['discovery_url']!r}; it takes an http:// or https:// URL.")
    scopes = entry.get("scopes", Provider.scopes)
    if isinstance(scopes, list):
        scopes = " ".join(map(str, scopes))
    if not isinstance(scopes, str) or "openid" not in scopes.split():
        raise ValueError(
            f"{where} scopes without openid; they are words separated by blanks and openid is one of them."
        )
    return Provider(**{key: entry[key] for key in REQUIRED}, scopes=scopes)
