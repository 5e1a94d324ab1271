# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small OpenID Connect provider with one client and one user, for the tests of AUTH_MODE=oidc.

The protocol is Authlib's: discovery, authorization code with PKCE and nonce, RS256 tokens, client secret by header or
form. Codes and the signing key live in memory. Secrets come from files, so that no process list shows them.

    python provider.py --port 20500 --issuer http://198.18.0.1:20500 --client-id reflow --client-secret-file secret
                --redirect-uri https://site/api/v1/auth/callback/test --user jane --user-password-file password
"""

from __future__ import annotations

import argparse
import hmac
import os
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import ClientMixin, grants
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oauth2.rfc9207 import IssuerParameter
from authlib.oidc.core import AuthorizationCodeMixin
from authlib.oidc.core.grants import OpenIDCode
from flask import Flask, Response, jsonify, render_template_string, request
from joserfc.jwk import RSAKey
from werkzeug.serving import run_simple

CODE_SECONDS = 60
METHODS = ["client_secret_basic", "client_secret_post"]
FORM = """<!doctype html>
<html lang="en"><title>Sign in</title>
<form method="post">
  {% if wrong %}<p role="alert">This user and password do not belong together.</p>{% endif %}
  <label>User <input name="username" autocomplete="username" required></label>
  <label>Password <input name="password" type="password" autocomplete="current-password" required></label>
  <button>Sign in</button>
</form></html>
"""


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())


@dataclass(frozen=True)
class Client(ClientMixin):
    """The one program that may ask who somebody is."""

    client_id: str
    secret: str
    redirect_uris: tuple[str, ...]

    def get_client_id(self) -> str:
        return self.client_id

    def get_default_redirect_uri(self) -> str:
        return self.redirect_uris[0]

    def get_allowed_scope(self, scope: str) -> str:
        return " ".join(word for word in scope.split() if word in ("openid", "email", "profile"))

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri in self.redirect_uris

    def check_client_secret(self, client_secret: str) -> bool:
        return _same(client_secret, self.secret)

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method in METHODS

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "authorization_code"


@dataclass(frozen=True)
class User:
    """The one person who can sign in."""

    name: str
    password: str = field(repr=False)

    @property
    def claims(self) -> dict[str, str]:
        return {"sub": f"subject-of-{self.name}", "name": self.name, "email": f"{self.name}@example.test"}


@dataclass(frozen=True)
class Code(AuthorizationCodeMixin):
    """An authorization code on its way through the browser."""

    code: str
    redirect_uri: str
    scope: str
    nonce: str
    code_challenge: str
    code_challenge_method: str
    made: float

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope

    def get_nonce(self) -> str:
        return self.nonce

    def get_auth_time(self) -> int:
        return int(self.made)


class Provider:
    """What is issued for one client and one user."""

    def __init__(self, issuer: str, client: Client, user: User) -> None:
        self.issuer = issuer
        self.client = client
        self.user = user
        self.codes: dict[str, Code] = {}
        self.nonces: set[str] = set()
        self.key = RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256", "kid": secrets.token_hex(8)})

    def app(self) -> Flask:
        """The provider as a WSGI application."""
        app = Flask(__name__)
        server = AuthorizationServer(
            app,
            query_client=lambda client_id: self.client if client_id == self.client.client_id else None,
            save_token=lambda token, oauth_request: None,
        )
        server.register_grant(_code_grant(self), [CodeChallenge(required=True), _id_token(self)])
        server.register_extension(_issuer(self))
        prefix = urlsplit(self.issuer).path

        @app.get(f"{prefix}/.well-known/openid-configuration")
        def discovery() -> Response:
            return jsonify(self.metadata())

        @app.get(f"{prefix}/keys")
        def keys() -> Response:
            return jsonify({"keys": [self.key.as_dict(private=False)]})

        @app.route(f"{prefix}/authorize", methods=["GET", "POST"])
        def authorize() -> Any:
            try:
                grant = server.get_consent_grant(end_user=None)
            except OAuth2Error as error:
                return f"This request cannot be answered: {error.error}.", 400
            if request.method == "GET":
                return render_template_string(FORM, wrong=False)
            if not self.knows(request.form.get("username", ""), request.form.get("password", "")):
                return render_template_string(FORM, wrong=True), 401
            return server.create_authorization_response(grant_user=self.user, grant=grant)

        @app.post(f"{prefix}/token")
        def token() -> Any:
            return server.create_token_response()

        return app

    def metadata(self) -> dict[str, Any]:
        """The discovery document."""
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "scopes_supported": ["openid", "email", "profile"],
            "token_endpoint_auth_methods_supported": METHODS,
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
        }

    def knows(self, name: str, password: str) -> bool:
        """Whether this is the user."""
        return _same(name, self.user.name) & _same(password, self.user.password)


def _code_grant(provider: Provider) -> type[grants.AuthorizationCodeGrant]:
    class CodeGrant(grants.AuthorizationCodeGrant):
        TOKEN_ENDPOINT_AUTH_METHODS = METHODS

        def save_authorization_code(self, code: str, oauth_request: Any) -> Code:
            asked = oauth_request.payload.data
            provider.codes[code] = Code(
                code=code,
                redirect_uri=oauth_request.payload.redirect_uri,
                scope=oauth_request.payload.scope,
                nonce=asked["nonce"],
                code_challenge=asked.get("code_challenge", ""),
                code_challenge_method=asked.get("code_challenge_method", ""),
                made=time.time(),
            )
            provider.nonces.add(asked["nonce"])
            return provider.codes[code]

        def query_authorization_code(self, code: str, client: Client) -> Code | None:
            found = provider.codes.get(code)
            return found if found and time.time() - found.made < CODE_SECONDS else None

        def delete_authorization_code(self, authorization_code: Code) -> None:
            provider.codes.pop(authorization_code.code, None)

        def authenticate_user(self, authorization_code: Code) -> User:
            return provider.user

    return CodeGrant


def _id_token(provider: Provider) -> OpenIDCode:
    class IdToken(OpenIDCode):
        def exists_nonce(self, nonce: str, oauth_request: Any) -> bool:
            return nonce in provider.nonces

        def resolve_client_private_key(self, client: Client) -> RSAKey:
            return provider.key

        def get_client_algorithm(self, client: Client) -> str:
            return "RS256"

        def get_client_claims(self, client: Client) -> dict[str, Any]:
            return {"iss": provider.issuer, "aud": [client.client_id]}

        def get_encode_header(self, client: Client) -> dict[str, str]:
            return {"alg": "RS256", "kid": provider.key.kid}

        def generate_user_info(self, user: User, scope: str) -> dict[str, str]:
            return user.claims

    return IdToken(require_nonce=True)


def _issuer(provider: Provider) -> IssuerParameter:
    class Issuer(IssuerParameter):
        def get_issuer(self) -> str:
            return provider.issuer

    return Issuer()


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until the process is ended."""
    parser = argparse.ArgumentParser(description="An OpenID Connect provider with one client and one user, for tests.")
    parser.add_argument("--address", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--issuer", required=True, help="URL under which client and browser reach this provider")
    parser.add_argument("--client-id", required=True)
    parser.add_argument("--client-secret-file", type=Path, required=True)
    parser.add_argument("--redirect-uri", action="append", required=True, help="may be given several times")
    parser.add_argument("--user", required=True)
    parser.add_argument("--user-password-file", type=Path, required=True)
    given = parser.parse_args(arguments)
    if urlsplit(given.issuer).scheme == "http":
        # Authlib speaks https only, unless it is told that this is a test network.
        os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"
    client = Client(given.client_id, given.client_secret_file.read_text().strip(), tuple(given.redirect_uri))
    user = User(given.user, given.user_password_file.read_text().strip())
    provider = Provider(given.issuer.rstrip("/"), client, user)
    run_simple(given.address, given.port, provider.app(), threaded=True)


if __name__ == "__main__":
    main()
