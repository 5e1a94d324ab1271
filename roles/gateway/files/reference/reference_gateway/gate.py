# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may use /api/*: a session, an API key, or in AUTH_MODE=none the page itself. Runs before any body is read."""

from dataclasses import dataclass

from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reference_gateway import apikeys
from reference_gateway.sessions import Session, Sessions
from reference_gateway.settings import Settings, secret

AUTH_PATHS = "/api/v1/auth/"
LOGIN_PATH = "/api/v1/auth/login"
LOGOUT_PATH = "/api/v1/auth/logout"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True)
class Identity:
    """Who asks: `method` is session, api_key or open; `session` is there for the first."""

    method: str
    subject: str
    name: str
    session: Session | None = None


class Gate:
    """ASGI middleware. Leaves the identity (or None) in `scope["state"]["identity"]`."""

    def __init__(self, app: ASGIApp, settings: Settings, sessions: Sessions) -> None:
        self._app = app
        self._mode = settings.auth_mode
        self._sessions = sessions
        self._header = settings.api_key_header_name.lower()
        self._gate_keys = settings.enable_api_key_auth
        self._keys = apikeys.parse(secret(settings.api_keys)) if settings.enable_api_key_auth else ()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith("/api/"):
            await self._app(scope, receive, send)
            return
        request = HTTPConnection(scope)
        identity = self.identify(request)
        scope.setdefault("state", {})["identity"] = identity
        refusal = self._refusal(scope, request, identity)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        await self._app(scope, receive, self._sliding(scope, identity, send))

    def identify(self, request: HTTPConnection) -> Identity | None:
        """The key that was presented, else the session, else in an open gateway the page."""
        presented = request.headers.get(self._header)
        if presented is not None and self._gate_keys:
            key = apikeys.find(self._keys, presented.encode("latin-1"))
            if key:
                return Identity("api_key", f"api-key:{key.label}", key.label)
        session = self._sessions.read(request) if self._mode != "none" else None
        if session:
            return Identity("session", session.subject, session.name, session)
        if self._mode == "none" and (not self._gate_keys or self._is_own_page(request, presented)):
            return Identity("open", "anonymous", "anonymous")
        return None

    def _is_own_page(self, request: HTTPConnection, presented: str | None) -> bool:
        # As the contract has it: anybody can send this header, so AUTH_MODE=none is an open gateway. No other mode asks for it.
        return presented is None and request.headers.get("sec-fetch-site") == "same-origin"

    def _refusal(self, scope: Scope, request: HTTPConnection, identity: Identity | None) -> Response | None:
        path, method = scope["path"], scope["method"]
        if identity is None and not path.startswith(AUTH_PATHS) and not is_stream(path, method):
            detail = f"Sign in, or send a valid key in the header {self._header}."
            return JSONResponse({"detail": detail}, 401, {"WWW-Authenticate": "ApiKey"})
        by_cookie = identity is not None and identity.method == "session"
        if by_cookie and method not in SAFE_METHODS and path != LOGIN_PATH and not has_csrf(request, identity.session):
            return JSONResponse({"detail": "The header X-CSRF-Token does not match this session."}, 403)
        return None

    def _sliding(self, scope: Scope, identity: Identity | None, send: Send) -> Send:
        session = identity.session if identity else None
        ends = scope["path"] == LOGOUT_PATH
        if session is None or ends or not self._sessions.is_past_half_life(session):
            return send

        async def renew(message: Message) -> None:
            if message["type"] == "http.response.start":
                fresh = Response()
                self._sessions.write(fresh, session)
                message["headers"] = [*message["headers"], *(h for h in fresh.raw_headers if h[0] == b"set-cookie")]
            await send(message)

        return renew


def is_stream(path: str, method: str) -> bool:
    """Whether this opens an event stream, which carries a token of its own."""
    return method == "GET" and path.startswith("/api/v1/documents/") and path.endswith("/stream")


def has_csrf(request: HTTPConnection, session: Session) -> bool:
    """Whether the request shows the CSRF value of its session, which only scripts of this site can read."""
    return apikeys.same(request.headers.get("x-csrf-token", ""), session.csrf)
