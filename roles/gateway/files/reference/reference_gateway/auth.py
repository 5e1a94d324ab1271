# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""/api/v1/auth: how one signs in here, signing in by password or identity provider, signing out, who am I."""

import logging
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from pydantic import BaseModel, Field

from reference_gateway.forwarded import client_address, site_origin
from reference_gateway.oidc import TRANSACTION_COOKIE, TRANSACTION_SECONDS, Oidc, OidcError
from reference_gateway.page import message_page
from reference_gateway.parts import Parts, parts_of

log = logging.getLogger(__name__)
router = APIRouter(prefix="/api/v1/auth", tags=["auth"])
PartsDep = Annotated[Parts, Depends(parts_of)]

COOKIE_PATH = "/api/v1/auth"


class Credentials(BaseModel):
    """What the login form sends."""

    username: str = Field(min_length=1, max_length=200)
    password: str = Field(min_length=1, max_length=200)


def is_own_origin(request: Request) -> bool:
    """Whether a login comes from this site's own page: another site must not be able to sign a visitor in."""
    return (
        request.headers.get("origin", "").lower() == site_origin(request)
        or request.headers.get("sec-fetch-site") == "same-origin"
    )


@router.get("/config")
async def config(parts: PartsDep) -> dict[str, Any]:
    """The mode, and in mode oidc the providers with the addresses to go to."""
    listed = parts.oidc.providers.values() if parts.oidc else ()
    return {
        "mode": parts.settings.auth_mode,
        "providers": [
            {"id": p.id, "display_name": p.display_name, "login_url": f"{COOKIE_PATH}/login/{p.id}"} for p in listed
        ],
        "csrf_cookie": parts.sessions.csrf_cookie,
    }


@router.post("/login")
async def login(credentials: Credentials, request: Request, parts: PartsDep) -> Response:
    """Sign in by name and password (AUTH_MODE=basic)."""
    if parts.users is None:
        raise HTTPException(404, "This gateway does not sign in by password.")
    if not is_own_origin(request):
        raise HTTPException(403, "A login is accepted from this site's own pages only.")
    address = client_address(request)
    wait = parts.attempts.start(credentials.username, address)
    if wait:
        parts.metrics.logins.labels("limited").inc()
        raise HTTPException(429, "Too many failed sign-ins; wait a minute.", {"Retry-After": str(int(wait) + 1)})
    if not await parts.users.verify(credentials.username, credentials.password):
        parts.metrics.logins.labels("refused").inc()
        log.warning("sign-in refused for an attempt from %s", address)
        raise HTTPException(401, "The user name or the password is wrong.")
    parts.attempts.succeeded(credentials.username, address)
    parts.metrics.logins.labels("accepted").inc()
    session = parts.sessions.begin(credentials.username, credentials.username, "basic")
    body = {
        "authenticated": True,
        "subject": session.subject,
        "name": session.name,
        "csrf_token": session.csrf,
        "redirect": parts.settings.auth_post_login_redirect,
    }
    response = JSONResponse(body)
    parts.sessions.write(response, session)
    return response


@router.post("/logout", status_code=204)
async def logout(request: Request, parts: PartsDep) -> Response:
    """End the session in this browser. The gate has compared X-CSRF-Token already."""
    identity = request.state.identity
    if identity is None or identity.method != "session":
        raise HTTPException(401, "There is no session to end.")
    response = Response(status_code=204)
    parts.sessions.clear(response)
    return response


@router.get("/me")
async def me(request: Request) -> dict[str, Any]:
    """Who asks, by session or API key; 401 for anybody else, in every mode. The edge may ask here before it lets one pass."""
    identity = request.state.identity
    if identity is None or identity.method == "open":
        raise HTTPException(401, "Nobody is signed in.", {"WWW-Authenticate": "ApiKey"})
    return {"authenticated": True, "subject": identity.subject, "name": identity.name, "method": identity.method}


def _oidc(parts: Parts, provider_id: str) -> Oidc:
    if parts.oidc is None or provider_id not in parts.oidc.providers:
        raise HTTPException(404, "There is no such identity provider here.")
    return parts.oidc


def _redirect_uri(request: Request, provider_id: str) -> str:
    return f"{site_origin(request)}{COOKIE_PATH}/callback/{provider_id}"


@router.get("/login/{provider_id}")
async def oidc_login(provider_id: str, request: Request, parts: PartsDep) -> Response:
    """Send the browser to the identity provider."""
    oidc = _oidc(parts, provider_id)
    try:
        address, transaction = await oidc.begin(provider_id, _redirect_uri(request, provider_id))
    except OidcError as error:
        return message_page("Sign-in is not possible", str(error), 502)
    response = RedirectResponse(address, 302)
    response.set_cookie(
        TRANSACTION_COOKIE,
        transaction,
        max_age=TRANSACTION_SECONDS,
        path=COOKIE_PATH,
        secure=parts.settings.auth_cookie_secure,
        httponly=True,
        samesite="lax",
    )
    return response


@router.get("/callback/{provider_id}")
async def oidc_callback(provider_id: str, request: Request, parts: PartsDep) -> Response:
    """The browser comes back from the identity provider."""
    oidc = _oidc(parts, provider_id)
    try:
        user = await oidc.finish(
            provider_id,
            _redirect_uri(request, provider_id),
            dict(request.query_params),
            request.cookies.get(TRANSACTION_COOKIE, ""),
        )
    except OidcError as error:
        parts.metrics.logins.labels("refused").inc()
        log.warning("sign-in by %s refused: %s", provider_id, error)
        response: Response = message_page("You are not signed in", str(error), error.status)
    else:
        parts.metrics.logins.labels("accepted").inc()
        response = RedirectResponse(parts.settings.auth_post_login_redirect, 303)
        parts.sessions.write(response, parts.sessions.begin(user.subject, user.name, "oidc"))
    response.delete_cookie(
        TRANSACTION_COOKIE, path=COOKIE_PATH, secure=parts.settings.auth_cookie_secure, httponly=True, samesite="lax"
    )
    return response
