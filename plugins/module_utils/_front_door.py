# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client of a converged site: HTTPS to its front door, with the site's own name and certificate authority.

Private to the collection.

The name of a test site is known to no name server, so the client connects to the address that the access file gives and
asks for the site by name inside TLS. Certificates are always verified.
"""

from __future__ import annotations

import http.client
import json
import secrets
import socket
import ssl
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ansible.module_utils.urls import open_url

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_CONNECT_S = 10
# The stream sends something every 30 seconds, a status answer takes far less.
_ANSWER_S = 90


class SiteError(Exception):
    """The site did not do what it was asked to; the text says what it answered."""


@dataclass(frozen=True)
class Access:
    """What playbooks/access.yml writes down about a site: how to reach it, and a key or a password that opens it."""

    url: str
    address: str
    ca: str = field(repr=False)
    api_key: str = field(default="", repr=False)
    api_key_header: str = "X-API-Key"
    user: str = ""
    password: str = field(default="", repr=False)
    password_from: str = ""

    @classmethod
    def read(cls, path: Path) -> Access:
        """Read the file that access.yml wrote."""
        known = json.loads(path.read_text(encoding="utf-8"))
        return cls(**{name: known[name] for name in cls.__dataclass_fields__ if name in known})


class FrontDoor:
    """HTTPS requests to one site."""

    def __init__(self, access: Access) -> None:
        """Prepare to talk to the site; nothing is sent yet."""
        self._access = access
        self._site = urlsplit(access.url)
        self._tls = ssl.create_default_context(cadata=access.ca or None)
        self._identity = {access.api_key_header: access.api_key} if access.api_key else {}

    def request(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
        anonymous: bool = False,
    ) -> http.client.HTTPResponse:
        """Send one request as the one who is signed in, or as nobody, and return the answer, whatever its status."""
        connection = _Connection(self._site.hostname or "", self._site.port or 443, self._access.address, self._tls)
        identity = {} if anonymous else self._identity
        try:
            connection.request(method, path, body, {**identity, **(headers or {})})
            return connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            raise SiteError(f"{self._access.url} ({self._access.address}) does not answer: {error}.") from error

    def call(self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> dict:
        """Send one request and return the JSON of its answer; a status of 300 and above is a SiteError."""
        with self.request(method, path, body, headers) as answer:
            content = answer.read()
        if answer.status >= 300:
            raise SiteError(
                f"{method} {path} was answered with {answer.status}: {content[:500].decode(errors='replace')}"
            )
        return json.loads(content)

    def sign_in(self) -> None:
        """Sign in by name and password where there is no API key, as the page does. An open site needs neither."""
        if self._identity or not self._access.password:
            return
        body = json.dumps({"username": self._access.user, "password": self._access.password}).encode()
        headers = {"Content-Type": "application/json", "Origin": self._access.url}
        with self.request("POST", "/api/v1/auth/login", body, headers) as answer:
            answer.read()
        if answer.status != 200:
            raise SiteError(f"The sign-in as {self._access.user} was answered with {answer.status}.")
        cookies = SimpleCookie()
        for line in answer.headers.get_all("Set-Cookie", []):
            cookies.load(line)
        values = {name: morsel.value for name, morsel in cookies.items()}
        self._identity = {
            "Cookie": "; ".join(f"{name}={value}" for name, value in values.items()),
            "X-CSRF-Token": next((value for name, value in values.items() if name.endswith("_csrf")), ""),
        }

    def convert(self, name: str, pdf: bytes, tell: Callable[[str], None]) -> str:
        """Send a PDF, wait until it is converted and return its Markdown. `tell` gets a line for each step of the way."""
        return self.fetch(self.convert_job(name, pdf, tell)["markdown_url"])

    def convert_job(self, name: str, pdf: bytes, tell: Callable[[str], None]) -> dict:
        """Send a PDF, wait until it is converted and return the job with the link to its Markdown."""
        self.sign_in()
        boundary = secrets.token_hex(16)
        quoted = name.replace("\\", "_").replace('"', "_")
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{quoted}"\r\nContent-Type: application/pdf\r\n\r\n'
        body = head.encode() + pdf + f"\r\n--{boundary}--\r\n".encode()
        job = self.call(
            "POST", "/api/v1/documents/submit", body, {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        )
        tell(f"{name}: {len(pdf)} bytes sent, job {job['job_id']}")
        job = self._await(job["job_id"], tell)
        if job["status"] != "completed":
            raise SiteError(
                f"The conversion of {name} ended as {job['status']}: {job.get('error') or 'no reason given'}."
            )
        tell(f"Markdown: {job['markdown_url']}")
        return job

    def fetch(self, link: str) -> str:
        """Return the text behind a link of a job, which lies behind this front door or in a public bucket elsewhere."""
        where = urlsplit(link)
        if where.hostname != self._site.hostname:
            if where.scheme != "https":
                raise SiteError(f"The result link {link} is neither behind {self._access.url} nor https.")
            with open_url(link, timeout=_ANSWER_S) as answer:
                return answer.read().decode()
        with self.request("GET", where.path + (f"?{where.query}" if where.query else "")) as answer:
            content = answer.read()
        if answer.status != 200:
            raise SiteError(f"The result link {link} was answered with {answer.status}.")
        return content.decode()

    def _await(self, job_id: str, tell: Callable[[str], None]) -> dict:
        """Follow the job's event stream until the job is final. Every event is a reason to read the status again."""
        path = f"/api/v1/documents/{job_id}"
        said = ""
        while True:
            token = self.call("POST", f"{path}/stream/token")["token"]
            for _event in self._events(f"{path}/stream?token={token}"):
                job = self.call("GET", path)
                phase = f"{job['status']}: {job.get('processing_phase') or ''}".rstrip(": ")
                if phase != said:
                    tell(phase)
                    said = phase
                if job["status"] in ("completed", "failed", "denied"):
                    return job

    def _events(self, path: str) -> Iterator[bytes]:
        """Yield once at the start, once for each event and each keepalive, and once when the stream ends."""
        yield b""
        with self.request("GET", path, headers={"Accept": "text/event-stream"}) as answer:
            if answer.status != 200:
                raise SiteError(f"The event stream was answered with {answer.status}.")
            for line in answer:
                if line.startswith((b"data:", b":")):
                    yield line
        yield b""


class _Connection(http.client.HTTPSConnection):
    """HTTPS to a name, over a connection to an address."""

    def __init__(self, name: str, port: int, address: str, tls: ssl.SSLContext) -> None:
        super().__init__(name, port, timeout=_ANSWER_S, context=tls)
        self._address = address or name
        self._tls = tls

    def connect(self) -> None:
        plain = socket.create_connection((self._address, self.port), _CONNECT_S)
        plain.settimeout(self.timeout)
        self.sock = self._tls.wrap_socket(plain, server_hostname=self.host)
