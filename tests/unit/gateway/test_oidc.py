# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sign-in by an identity provider, against a double of one that signs real tokens."""

import asyncio
import base64
import hashlib
import json
import time
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey
from reference_gateway import oidc_keys
from reference_gateway.oidc import Oidc, OidcError
from reference_gateway.oidc_providers import parse

ISSUER = "https://id.test/realm"
REDIRECT = "https://site.test/api/v1/auth/callback/one"
CLIENT_SECRET = "s&cret-of-the-client"
PROVIDERS = json.dumps(
    [
        {
            "id": "one",
            "display_name": "One",
            "discovery_url": f"{ISSUER}/.well-known/openid-configuration",
            "client_id": "reflow",
            "client_secret": CLIENT_SECRET,
        }
    ]
)


class ProviderDouble(httpx.AsyncBaseTransport):
    """A DOUBLE of an identity provider. `claims` and `key` say what it puts into the next token and how it signs it."""

    def __init__(self) -> None:
        self.key = RSAKey.generate_key(2048, {"kid": "k1", "use": "sig"})
        self.published = [self.key]
        self.claims: dict = {}
        self.header = {"alg": "RS256", "kid": "k1"}
        self.metadata: dict = {}
        self.asked: list[str] = []
        self.redeemed: dict = {}
        self.redeemed_auth = ""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.url.path)
        if request.url.path.endswith("openid-configuration"):
            endpoints = {
                "authorization_endpoint": f"{ISSUER}/auth",
                "token_endpoint": f"{ISSUER}/token",
                "jwks_uri": f"{ISSUER}/keys",
            }
            return httpx.Response(200, json={"issuer": ISSUER, **endpoints, **self.metadata})
        if request.url.path.endswith("keys"):
            return httpx.Response(200, json={"keys": [key.as_dict(private=False) for key in self.published]})
        self.redeemed = {k: v[0] for k, v in parse_qs((await request.aread()).decode()).items()}
        self.redeemed_auth = request.headers.get("authorization", "")
        if self.redeemed["code"] != "good":
            return httpx.Response(400, json={"error": "invalid_grant"})
        algorithms = [self.header["alg"]]
        return httpx.Response(
            200, json={"id_token": jwt.encode(self.header, self.claims, self.key, algorithms=algorithms)}
        )


class Browser:
    """One sign-in: begins, takes what the provider would send back, ends."""

    def __init__(self) -> None:
        self.provider = ProviderDouble()
        self.oidc = Oidc(parse(PROVIDERS), "k" * 32, self.provider)
        self.query: dict[str, str] = {}
        self.cookie = ""
        self.redirect = REDIRECT

    def begin(self) -> dict[str, str]:
        address, self.cookie = asyncio.run(self.oidc.begin("one", self.redirect))
        self.address = address
        sent = {k: v[0] for k, v in parse_qs(urlsplit(address).query).items()}
        now = int(time.time())
        self.provider.claims = {
            "iss": ISSUER,
            "aud": "reflow",
            "sub": "42",
            "exp": now + 300,
            "iat": now,
            "nonce": sent["nonce"],
            "name": "Ada L.",
        }
        self.query = {"state": sent["state"], "code": "good"}
        return sent

    def end(self):
        return asyncio.run(self.oidc.finish("one", self.redirect, self.query, self.cookie))


@pytest.fixture
def browser() -> Browser:
    return Browser()


def test_code_flow_with_pkce(browser: Browser) -> None:
    assert browser.provider.asked == [], "discovery waits for the first sign-in"
    sent = browser.begin()
    assert browser.address.startswith(f"{ISSUER}/auth?")
    assert (sent["response_type"], sent["client_id"], sent["redirect_uri"]) == ("code", "reflow", REDIRECT)
    assert (sent["scope"], sent["code_challenge_method"]) == ("openid email profile", "S256")
    user = browser.end()
    assert (user.subject, user.name) == ("one:42", "Ada L.")
    verifier = browser.provider.redeemed["code_verifier"]
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    assert challenge == sent["code_challenge"]
    assert browser.provider.redeemed["redirect_uri"] == REDIRECT
    assert base64.b64decode(browser.provider.redeemed_auth.split()[1]) == b"reflow:s%26cret-of-the-client"
    assert "client_secret" not in browser.provider.redeemed


def test_a_provider_that_takes_the_secret_in_the_form_only(browser: Browser) -> None:
    browser.provider.metadata = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    browser.begin()
    browser.end()
    assert browser.provider.redeemed["client_secret"] == CLIENT_SECRET
    assert browser.provider.redeemed_auth == ""


def test_discovery_and_keys_are_read_once(browser: Browser) -> None:
    for _unused in range(2):
        browser.begin()
        browser.end()
    assert [path.rsplit("/", 1)[-1] for path in browser.provider.asked] == [
        "openid-configuration",
        "token",
        "keys",
        "token",
    ]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"state": "other"}, "does not belong to this sign-in"),
        ({"state": ""}, "does not belong to this sign-in"),
        ({"error": "access_denied"}, "did not sign you in"),
        ({"iss": "https://evil.test"}, "another identity provider"),
        ({"code": ""}, "sent no code"),
        ({"code": "bad"}, "did not take the code"),
    ],
)
def test_wrong_answers_of_the_browser(browser: Browser, change: dict[str, str], sentence: str) -> None:
    browser.begin()
    browser.query |= change
    with pytest.raises(OidcError, match=sentence):
        browser.end()


@pytest.mark.parametrize("cookie", ["", "x", "swapped"])
def test_a_sign_in_needs_the_cookie_it_began_with(browser: Browser, cookie: str) -> None:
    browser.begin()
    if cookie == "swapped":
        query = browser.query
        browser.begin()
        browser.query = query
    else:
        browser.cookie = cookie
    with pytest.raises(OidcError):
        browser.end()


@pytest.mark.parametrize(
    "change",
    [
        {"iss": "https://evil.test"},
        {"aud": "another"},
        {"aud": ["another", "third"]},
        {"aud": ["reflow", "another"]},
        {"aud": ["reflow"], "azp": "another"},
        {"exp": 1},
        {"exp": int(time.time()) - 90},
        {"exp": None},
        {"nonce": "other"},
        {"nonce": None},
        {"sub": None},
        {"nbf": int(time.time()) + 900},
    ],
    ids=str,
)
def test_tokens_that_are_not_to_be_believed(browser: Browser, change: dict) -> None:
    browser.begin()
    claims = browser.provider.claims | change
    browser.provider.claims = {name: value for name, value in claims.items() if value is not None}
    with pytest.raises(OidcError, match="token is not valid") as refused:
        browser.end()
    assert refused.value.status == 403


def test_clocks_may_differ_by_a_minute(browser: Browser) -> None:
    browser.begin()
    browser.provider.claims["exp"] = int(time.time()) - 30
    assert browser.end().subject == "one:42"


def test_foreign_and_symmetric_signatures_are_refused(browser: Browser) -> None:
    browser.begin()
    provider = browser.provider
    provider.key = RSAKey.generate_key(2048, {"kid": "k1"})
    with pytest.raises(OidcError, match="no key of the provider"):
        browser.end()
    for symmetric in (CLIENT_SECRET, "k" * 32):
        provider.key, provider.header = OctKey.import_key(symmetric), {"alg": "HS256", "kid": "k1"}
        browser.oidc._metadata["one"]["id_token_signing_alg_values_supported"] = ["HS256", "none", "RS256"]
        browser.begin()
        with pytest.raises(OidcError, match="no key of the provider"):
            browser.end()


def test_a_new_key_of_the_provider_is_fetched_but_not_over_and_over(browser: Browser, monkeypatch) -> None:
    browser.begin()
    browser.end()
    provider = browser.provider
    provider.key = RSAKey.generate_key(2048, {"kid": "k2", "use": "sig"})
    provider.published, provider.header = [provider.key], {"alg": "RS256", "kid": "k2"}
    browser.begin()
    with pytest.raises(OidcError):
        browser.end()
    monkeypatch.setattr(oidc_keys, "AGAIN_SECONDS", 0.0)
    browser.begin()
    assert browser.end().subject == "one:42"


def test_a_provider_without_https_behind_an_https_discovery_is_refused(browser: Browser) -> None:
    browser.provider.metadata = {"token_endpoint": "http://id.test/token"}
    with pytest.raises(OidcError, match="without https"):
        browser.begin()


def test_the_routes(client, monkeypatch) -> None:
    made = client(AUTH_MODE="oidc", AUTH_SECRET_KEY="k" * 32, AUTH_OIDC_PROVIDERS=PROVIDERS)
    config = made.get("/api/v1/auth/config").json()
    assert config["providers"] == [{"id": "one", "display_name": "One", "login_url": "/api/v1/auth/login/one"}]
    browser = Browser()
    parts = made.app.state.parts
    parts.oidc._client = browser.oidc._client
    assert made.get("/api/v1/auth/login/other").status_code == 404
    away = made.get("/api/v1/auth/login/one", follow_redirects=False)
    assert away.status_code == 302
    cookie = away.headers["set-cookie"]
    assert cookie.startswith("reflow_oauth_tx=")
    assert all(word in cookie for word in ("HttpOnly", "Max-Age=600", "Secure", "SameSite=lax", "Path=/api/v1/auth"))
    sent = {k: v[0] for k, v in parse_qs(urlsplit(away.headers["location"]).query).items()}
    assert sent["redirect_uri"] == REDIRECT
    forged = made.get("/api/v1/auth/callback/one", params={"state": "x", "code": "good"}, follow_redirects=False)
    assert forged.status_code == 400
    assert "text/html" in forged.headers["content-type"]
    away = made.get("/api/v1/auth/login/one", follow_redirects=False)
    sent = {k: v[0] for k, v in parse_qs(urlsplit(away.headers["location"]).query).items()}
    now = int(time.time())
    browser.provider.claims = {
        "iss": ISSUER, "aud": "reflow", "sub": "42", "exp": now + 60, "iat": now, "nonce": sent["nonce"],
    }  # fmt: skip
    query = {"state": sent["state"], "code": "good"}
    home = made.get("/api/v1/auth/callback/one", params=query, follow_redirects=False)
    assert (home.status_code, home.headers["location"]) == (303, "/")
    assert made.get("/api/v1/auth/me").json()["subject"] == "one:42"
    assert "reflow_oauth_tx" not in made.cookies
