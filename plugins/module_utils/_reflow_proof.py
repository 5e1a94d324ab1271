# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Proofs that a converged Reflow does what its inventory says, seen from outside through its front door.

Private to the collection.

Each proof is one sentence about the site, whether it holds, and what was seen. Nothing is altered but for one document that
is converted.
"""

from __future__ import annotations

import http.client
import json
import secrets
import socket
import ssl
from urllib.parse import urlsplit

from ansible_collections.selfhost.aistack.plugins.module_utils._front_door import FrontDoor, SiteError
from ansible_collections.selfhost.aistack.plugins.module_utils._sample_pdf import make_pdf

DOCUMENTS = "/api/v1/documents"
REFUSED = (401, 403)
# What runs behind the front door and must not answer from outside.
INNER_PORTS = {
    2019: "Caddy's admin API",
    3900: "Garage's S3 API",
    3901: "Garage's RPC",
    3902: "Garage's website endpoint",
    3903: "Garage's admin API",
    5001: "docling-serve",
    6379: "Redis",
    8080: "the gateway",
}
# Headers that a stranger may send in the hope to pass for somebody else.
FORGED = {
    "no credentials": {},
    "a forged Sec-Fetch-Site": {"Sec-Fetch-Site": "same-origin"},
    "a forged X-Forwarded-For": {"X-Forwarded-For": "127.0.0.1", "X-Real-IP": "127.0.0.1"},
    "a forged identity header": {"Remote-User": "admin", "X-Forwarded-User": "admin"},
}
_CONNECT_S = 2


class Proofs:
    """Collects proofs about one site. `site` is what the inventory says of it."""

    def __init__(self, access, site):
        self.door = FrontDoor(access)
        self.access = access
        self.site = site
        self.found = []

    def hold(self, what, holds, saw):
        """Note one proof."""
        self.found.append({"proof": what, "holds": bool(holds), "saw": str(saw)[:300]})

    def status(self, method, path, body=None, headers=None, anonymous=True):
        """Status of one request, its body read and thrown away."""
        with self.door.request(method, path, body, headers, anonymous=anonymous) as answer:
            answer.read()
            return answer.status

    def run(self):
        """All proofs, in the order in which a visitor would meet them."""
        self.transport()
        self.closed()
        job = self.conversion()
        if self.site["auth_mode"] == "none":
            self.hold(
                "The site is open, as auth_allow_open says",
                self.status("GET", "/api/v1/auth/me", headers=FORGED["a forged Sec-Fetch-Site"]) == 200,
                "AUTH_MODE none",
            )
        else:
            self.authentication(job)
        self.results(job)
        self.inner_ports()
        return self.found

    def transport(self):
        """TLS, the redirect, and what every answer tells a browser."""
        site = urlsplit(self.access.url)
        with self.door.request("GET", "/", anonymous=True) as answer:
            answer.read()
            headers = answer.headers
        for name, wanted in {
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": None,
            "Content-Security-Policy": None,
        }.items():
            seen = headers.get(name)
            self.hold(f"Answers carry {name}", seen and wanted in (None, seen), seen)
        self.hold("Answers do not name the server", headers.get("Server") is None, headers.get("Server"))
        if self.site["http_port"]:
            plain = http.client.HTTPConnection(self.access.address, self.site["http_port"], timeout=10)
            plain.request("GET", "/some/page?a=b", headers={"Host": site.hostname})
            answer = plain.getresponse()
            location = answer.getheader("Location", "")
            plain.close()
            self.hold(
                "HTTP leads to HTTPS",
                answer.status in (301, 302, 307, 308) and location.startswith("https://"),
                f"{answer.status} {location}",
            )
        self.hold("TLS older than 1.2 is refused", *self._old_tls(site))

    def _old_tls(self, site):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        try:
            # The client's own library may refuse to speak the old versions at its usual level.
            context.set_ciphers("ALL:@SECLEVEL=0")
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = ssl.TLSVersion.TLSv1_1
            raw = socket.create_connection((self.access.address, site.port or 443), 10)
            with raw, context.wrap_socket(raw, server_hostname=site.hostname) as wrapped:
                return False, wrapped.version()
        except (OSError, ValueError) as exc:
            return True, exc

    def closed(self):
        """Paths of the application that are for inside only."""
        for path in ("/metrics", "//metrics", "/metrics/", "/%6detrics"):
            seen = self.status("GET", path)
            self.hold(f"{path} is closed", seen in (308, 400, 401, 403, 404), seen)

    def conversion(self):
        """A document that did not exist before comes back as its words."""
        words = [secrets.token_hex(5) for _word in range(6)]
        pdf = make_pdf(["Proof of the way", " ".join(words[:3]), " ".join(words[3:])])
        job = self.door.convert_job("proof.pdf", pdf, lambda text: None)
        markdown = self.door.fetch(job["markdown_url"])
        missing = [word for word in words if word not in markdown]
        self.hold(
            "A PDF comes back as Markdown with its words",
            not missing,
            f"missing: {missing}" if missing else job["markdown_url"],
        )
        return job

    def authentication(self, job):
        """Every class of route without, with wrong, and with right credentials."""
        one = f"{DOCUMENTS}/{job['job_id']}"
        routes = [
            ("POST", f"{DOCUMENTS}/submit"),
            ("GET", one),
            ("GET", f"{one}/result"),
            ("GET", f"{one}/ledger"),
            ("POST", f"{one}/stream/token"),
            ("GET", f"{one}/stream?token=" + "a" * 48),
            ("GET", "/api/v1/auth/me"),
        ]
        wrong = dict(
            FORGED,
            **{
                "a wrong API key": {self.access.api_key_header: "wrong-" + "0" * 40},
                "a forged session": {"Cookie": "reflow_session=" + "e30." * 3},
            },
        )
        for name, headers in wrong.items():
            seen = {
                f"{method} {path.split('?', maxsplit=1)[0]}": self.status(method, path, headers=headers)
                for method, path in routes
            }
            let_in = {route: status for route, status in seen.items() if status not in REFUSED}
            self.hold(f"With {name} nobody gets in", not let_in, let_in or f"refused on {len(seen)} routes")
        for method, path in routes[1:5]:
            seen = self.status(method, path, anonymous=False)
            self.hold(
                f"With right credentials {method} {path.replace(job['job_id'], 'JOB')} works", seen in (200, 201), seen
            )
        if self.site["auth_mode"] == "basic":
            self.login()

    def login(self):
        """The sign-in takes the right password from its own page, and nothing else."""
        user = self.access.user or "admin"
        right = {"Content-Type": "application/json", "Origin": self.access.url}
        cases = {
            "a wrong password": (right, "wrong-" + secrets.token_hex(8)),
            "another site's Origin": (
                dict(right, Origin="https://elsewhere.example"),
                self.access.password or "x" * 20,
            ),
        }
        for name, (headers, password) in cases.items():
            body = json.dumps({"username": user, "password": password}).encode()
            seen = self.status("POST", "/api/v1/auth/login", body, headers)
            self.hold(f"A sign-in with {name} is refused", seen in REFUSED, seen)

    def results(self, job):
        """Who may read results, and that uploads are for nobody."""
        link = urlsplit(job["markdown_url"])
        prefix = self.site["results_path"]
        mode = self.site["results_access"]
        if link.path.startswith(prefix + "/"):
            anonymous, known = self.status("GET", link.path), self.status("GET", link.path, anonymous=False)
            self.hold(f"Results are {mode} for strangers", (anonymous == 200) == (mode == "public"), anonymous)
            self.hold("Results are there for those who may use the gateway", (known == 200) == (mode != "none"), known)
            writing = self.status("PUT", link.path, b"x", anonymous=False)
            self.hold("Results cannot be written through the front door", writing >= 400, writing)
        temp, results = self.site["temp_bucket"], self.site["results_bucket"]
        tricks = [
            f"{prefix}/{temp}/",
            f"{prefix}/{temp}/temp/",
            f"{prefix}/{results}/../{temp}/",
            f"{prefix}/{results}/%2e%2e/{temp}/",
            f"{prefix}/{results}/..%2f{temp}/",
            f"{prefix}//{temp}/",
            f"{prefix.upper()}/{temp.upper()}/",
        ]
        for path in tricks:
            seen = self.status("GET", path, anonymous=False)
            self.hold(f"Uploads are not reachable by {path}", seen not in (200, 206, 301, 302), seen)
        seen = self.status("GET", "/", headers={"Host": f"{temp}.web.garage"})
        self.hold("Uploads are not reachable by another Host", seen >= 400, seen)

    def inner_ports(self):
        """Services behind the front door do not answer at its address."""
        site = urlsplit(self.access.url)
        for port, what in INNER_PORTS.items():
            if port in (site.port or 443, self.site["http_port"]):
                continue
            try:
                socket.create_connection((self.access.address, port), _CONNECT_S).close()
                seen = "answered"
            except OSError as exc:
                seen = str(exc)
            self.hold(f"{what} ({port}) does not answer from outside", seen != "answered", seen)


def prove(access, site):
    """All proofs about a site; a site that does not answer at all is a SiteError."""
    try:
        return Proofs(access, site).run()
    except (OSError, http.client.HTTPException) as exc:
        raise SiteError(f"{access.url} ({access.address}) does not answer: {exc}.") from exc
