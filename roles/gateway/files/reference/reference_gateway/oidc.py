# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sign-in by an OpenID Connect provider: authorization code with PKCE, the ID token verified."""

import base64
import hashlib
import secrets
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
from itsdangerous import BadData

from reference_gateway.apikeys import same
from reference_gateway.oidc_keys import Keys, TokenError, verify
from reference_gateway.oidc_providers import Provider
from reference_gateway.sessions import signer

TRANSACTION_COOKIE = "reflow_oauth_tx"
TRANSACTION_SECONDS = 600
REQUEST_SECONDS = 10.0


class OidcError(Exception):
    """The sign-in does not go on; the text is for the person, the status for the answer."""

    def __init__(self, text: str, status: int = 400) -> None:
        super().__init__(text)
        self.status = status


@dataclass(frozen=True)
class User:
    """Who the provider says it is."""

    subject: str
    name: str


class Oidc:
    """All providers. Discovery happens at a provider's first sign-in and is kept for the process's life."""

    def __init__(
        self, providers: dict[str, Provider], secret_key: str, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self.providers = providers
        self._signer = signer(secret_key, "oidc-transaction")
        # A provider with a private CA: SSL_CERT_FILE names the bundle, which httpx reads.
        self._client = httpx.AsyncClient(timeout=REQUEST_SECONDS, transport=transport)
        self._metadata: dict[str, dict[str, Any]] = {}
        self._keys: dict[str, Keys] = {}

    async def close(self) -> None:
        await self._client.aclose()

    async def begin(self, provider_id: str, redirect_uri: str) -> tuple[str, str]:
        """The address to send the browser to, and the transaction for its cookie."""
        provider, metadata = self.providers[provider_id], await self._discover(provider_id)
        state, nonce, verifier = (secrets.token_urlsafe(32) for unused in range(3))
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        query = {
            "response_type": "code",
            "client_id": provider.client_id,
            "redirect_uri": redirect_uri,
            "scope": provider.scopes,
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        endpoint = metadata["authorization_endpoint"]
        transaction = {"provider": provider_id, "state": state, "nonce": nonce, "verifier": verifier}
        separator = "&" if urlsplit(endpoint).query else "?"
        return f"{endpoint}{separator}{urlencode(query)}", self._signer.dumps(transaction)

    async def finish(self, provider_id: str, redirect_uri: str, query: dict[str, str], transaction: str) -> User:
        """Check what the browser brought back, redeem the code, verify the ID token. Raises OidcError."""
        begun = self._read_transaction(transaction, provider_id)
        if not same(query.get("state", ""), begun["state"]):
            raise OidcError("The answer of the identity provider does not belong to this sign-in; begin again.")
        if "error" in query:
            raise OidcError("The identity provider did not sign you in.", 403)
        metadata = await self._discover(provider_id)
        if query.get("iss", metadata["issuer"]) != metadata["issuer"]:
            raise OidcError("The answer comes from another identity provider than the one you chose; begin again.")
        if not query.get("code"):
            raise OidcError("The identity provider sent no code; begin again.")
        token = await self._redeem(provider_id, query["code"], redirect_uri, begun["verifier"])
        try:
            claims = await verify(
                token,
                self._keys[provider_id],
                issuer=metadata["issuer"],
                client_id=self.providers[provider_id].client_id,
                nonce=begun["nonce"],
                offered=metadata.get("id_token_signing_alg_values_supported"),
            )
        except (TokenError, httpx.HTTPError) as error:
            raise OidcError(f"The identity provider's token is not valid: {error}", 403) from None
        name = next((claims[c] for c in ("name", "preferred_username", "email", "sub") if claims.get(c)), claims["sub"])
        return User(f"{provider_id}:{claims['sub']}", str(name))

    def _read_transaction(self, transaction: str, provider_id: str) -> dict[str, str]:
        try:
            begun = self._signer.loads(transaction, max_age=TRANSACTION_SECONDS)
        except BadData:
            raise OidcError(
                "This sign-in was not begun in this browser, or more than ten minutes ago; begin again."
            ) from None
        if begun["provider"] != provider_id:
            raise OidcError("This sign-in was begun with another identity provider; begin again.")
        return begun

    async def _discover(self, provider_id: str) -> dict[str, Any]:
        if provider_id in self._metadata:
            return self._metadata[provider_id]
        provider = self.providers[provider_id]
        try:
            answer = await self._client.get(provider.discovery_url)
            answer.raise_for_status()
            metadata = answer.json()
            needed = {k: metadata[k] for k in ("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri")}
        except (httpx.HTTPError, ValueError, KeyError, TypeError):
            raise OidcError(
                f"The identity provider {provider.display_name} does not answer as it should.", 502
            ) from None
        is_lab = urlsplit(provider.discovery_url).scheme == "http"
        if not is_lab and any(urlsplit(needed[k]).scheme != "https" for k in needed if k != "issuer"):
            raise OidcError(f"The identity provider {provider.display_name} names an address without https.", 502)
        self._keys[provider_id] = Keys(self._client, needed["jwks_uri"])
        self._metadata[provider_id] = metadata
        return metadata

    async def _redeem(self, provider_id: str, code: str, redirect_uri: str, verifier: str) -> str:
        provider, metadata = self.providers[provider_id], self._metadata[provider_id]
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        }
        methods = metadata.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        auth = None
        if "client_secret_basic" in methods:
            # RFC 6749 2.3.1: both halves are form-encoded before they go into the header.
            pair = (urlencode({"": text})[1:] for text in (provider.client_id, provider.client_secret))
            auth = httpx.BasicAuth(*pair)
        else:
            form |= {"client_id": provider.client_id, "client_secret": provider.client_secret}
        try:
            answer = await self._client.post(metadata["token_endpoint"], data=form, auth=auth)
            answer.raise_for_status()
            return str(answer.json()["id_token"])
        except (httpx.HTTPError, ValueError, KeyError, TypeError):
            raise OidcError(
                f"The identity provider {provider.display_name} did not take the code; begin again.", 502
            ) from None
