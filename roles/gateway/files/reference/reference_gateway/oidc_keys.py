# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A provider's signing keys, and the verification of an ID token with them."""

import time
from typing import Any

import httpx
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import import_key

# Never `none`, and never a symmetric one, whose key is the client secret.
ALGORITHMS = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"}
)
LEEWAY_SECONDS = 60
KEEP_SECONDS = 3600.0
# An unknown key id asks for the set anew, but not more often than this.
AGAIN_SECONDS = 60.0


class TokenError(Exception):
    """The ID token is not to be believed; the text says why, in a few words."""


class Keys:
    """The JWKS of one provider, kept for an hour."""

    def __init__(self, client: httpx.AsyncClient, address: str) -> None:
        self._client = client
        self._address = address
        self._entries: list[dict[str, Any]] = []
        self._read_at = float("-inf")

    async def candidates(self, kid: str | None) -> list[dict[str, Any]]:
        """The keys that a token with this key id may be signed with."""
        if time.monotonic() - self._read_at > KEEP_SECONDS:
            await self._read()
        found = self._matching(kid)
        if not found and time.monotonic() - self._read_at > AGAIN_SECONDS:
            await self._read()
            found = self._matching(kid)
        return found

    def _matching(self, kid: str | None) -> list[dict[str, Any]]:
        signing = [entry for entry in self._entries if entry.get("use", "sig") == "sig"]
        return [entry for entry in signing if kid is None or entry.get("kid") == kid]

    async def _read(self) -> None:
        answer = await self._client.get(self._address)
        answer.raise_for_status()
        try:
            self._entries = list(answer.json()["keys"])
        except (ValueError, KeyError, TypeError):
            raise TokenError("the key set cannot be read.") from None
        self._read_at = time.monotonic()


async def verify(
    token: str, keys: Keys, *, issuer: str, client_id: str, nonce: str, offered: list[str] | None
) -> dict[str, Any]:
    """The claims of a valid ID token. Raises TokenError."""
    allowed = sorted(ALGORITHMS & set(offered or ["RS256"]))
    try:
        header = jws.extract_compact(token.encode()).headers()
    except (JoseError, ValueError):
        raise TokenError("it is no signed token.") from None
    for entry in await keys.candidates(header.get("kid")):
        try:
            decoded = jwt.decode(token, import_key(entry), algorithms=allowed)
        except (JoseError, ValueError):
            continue
        _check_claims(decoded.claims, issuer, client_id, nonce)
        return decoded.claims
    raise TokenError("no key of the provider has signed it.")


def _check_claims(claims: dict[str, Any], issuer: str, client_id: str, nonce: str) -> None:
    registry = jwt.JWTClaimsRegistry(
        leeway=LEEWAY_SECONDS,
        iss={"essential": True, "value": issuer},
        aud={"essential": True, "value": client_id},
        sub={"essential": True},
        exp={"essential": True},
        iat={"essential": True},
        nonce={"essential": True, "value": nonce},
    )
    try:
        registry.validate(claims)
    except JoseError as error:
        raise TokenError(f"{error}.") from None
    several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    if (several or "azp" in claims) and claims.get("azp") != client_id:
        raise TokenError("it was made for another application.")
