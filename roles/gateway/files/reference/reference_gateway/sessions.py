# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sessions: a signed cookie that slides, and beside it the CSRF value which scripts of the page send back."""

import hashlib
import secrets
import time
from dataclasses import dataclass

from itsdangerous import BadData, URLSafeTimedSerializer
from starlette.requests import HTTPConnection
from starlette.responses import Response

from reference_gateway.settings import Settings, secret


@dataclass(frozen=True)
class Session:
    """Who is signed in, how, and since when (seconds since 1970) the cookie runs."""

    subject: str
    name: str
    method: str
    csrf: str
    issued: float


class Sessions:
    """Writes and reads the session cookies. Nothing is kept on the server: a new AUTH_SECRET_KEY ends every session."""

    def __init__(self, settings: Settings) -> None:
        self.ttl = settings.auth_session_ttl_seconds
        self.secure = settings.auth_cookie_secure
        self.cookie = settings.auth_session_cookie_name
        self.csrf_cookie = f"{self.cookie}_csrf"
        key = secret(settings.auth_secret_key)
        self._signer = signer(key, "session") if key else None

    def begin(self, subject: str, name: str, method: str) -> Session:
        """A new session with a CSRF value of its own."""
        return Session(subject, name, method, secrets.token_urlsafe(32), time.time())

    def read(self, request: HTTPConnection) -> Session | None:
        """The valid session of this request, or None."""
        token = request.cookies.get(self.cookie)
        if not token or not self._signer:
            return None
        try:
            data, issued = self._signer.loads(token, max_age=self.ttl, return_timestamp=True)
            return Session(data["sub"], data["name"], data["method"], data["csrf"], issued.timestamp())
        except (BadData, KeyError, TypeError):
            return None

    def is_past_half_life(self, session: Session) -> bool:
        """Whether the cookie should be written anew, so that a user who keeps working stays signed in."""
        return time.time() - session.issued > self.ttl / 2

    def write(self, response: Response, session: Session) -> None:
        """Put both cookies into the answer; their life starts now."""
        token = self._signer.dumps(
            {"sub": session.subject, "name": session.name, "method": session.method, "csrf": session.csrf}
        )
        self._set(response, self.cookie, token, httponly=True)
        self._set(response, self.csrf_cookie, session.csrf, httponly=False)

    def clear(self, response: Response) -> None:
        """Take both cookies away."""
        for name in (self.cookie, self.csrf_cookie):
            response.delete_cookie(name, path="/", secure=self.secure, samesite="lax")

    def _set(self, response: Response, name: str, value: str, *, httponly: bool) -> None:
        response.set_cookie(
            name, value, max_age=self.ttl, path="/", secure=self.secure, httponly=httponly, samesite="lax"
        )


def signer(key: str, purpose: str) -> URLSafeTimedSerializer:
    """A signer whose tokens are of use for this purpose only."""
    return URLSafeTimedSerializer(
        key, salt=f"reference-gateway.{purpose}", signer_kwargs={"digest_method": hashlib.sha256}
    )
