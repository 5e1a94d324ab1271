# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The site under test: a converged one, named by the environment, or a gateway of this machine's own."""

import hashlib
import os
import socket
import ssl
import sys
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from argon2 import PasswordHasher
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from gatewaybed import docling_double
from gatewaybed.garage import Garage
from gatewaybed.gateway import Gateway
from gatewaybed.process import Process, answers, bare_environment
from gatewaybed.redis_server import RedisServer

REDIS_PORT, GATEWAY_PORT, DOUBLE_PORT, GARAGE_PORT = 20230, 20240, 20241, 20260


@dataclass(frozen=True)
class Site:
    """Where the page is and how one signs in. `address` is where its name leads to, `ca_file` who vouches for it."""

    url: str
    user: str
    password: str
    address: str = ""
    ca_file: str = ""

    @classmethod
    def from_environment(cls) -> "Site":
        """AISTACK_E2E_URL, _USER, _PASSWORD_FILE, and where needed _ADDRESS and _CA_FILE."""
        return cls(
            url=os.environ["AISTACK_E2E_URL"].rstrip("/"),
            user=os.environ["AISTACK_E2E_USER"],
            password=Path(os.environ["AISTACK_E2E_PASSWORD_FILE"]).read_text(encoding="utf-8").strip(),
            address=os.environ.get("AISTACK_E2E_ADDRESS", ""),
            ca_file=os.environ.get("AISTACK_E2E_CA_FILE", ""),
        )

    @property
    def chromium_flags(self) -> list[str]:
        """What the browser must know to reach a site that no name server and no public CA knows."""
        flags, where = [], urlsplit(self.url)
        if self.address:
            flags.append(f"--host-resolver-rules=MAP {where.hostname} {self.address}")
        if self.ca_file:
            flags.append(
                f"--ignore-certificate-errors-spki-list={self._verified_key(where.hostname, where.port or 443)}"
            )
        return flags

    def _verified_key(self, name: str, port: int) -> str:
        """The digest of the key that the site shows, after its certificate was verified here: the browser then takes this key only."""
        context = ssl.create_default_context(cafile=self.ca_file)
        with (
            socket.create_connection((self.address or name, port), 10) as plain,
            context.wrap_socket(plain, server_hostname=name) as secured,
        ):
            certificate = x509.load_der_x509_certificate(secured.getpeercert(binary_form=True))
        key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return b64encode(hashlib.sha256(key).digest()).decode()


@contextmanager
def local_site(folder: Path) -> Iterator[Site]:
    """A gateway on loopback with a real Redis, a real Garage and the double of docling-serve."""
    password = "correct horse battery"
    record = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(password)
    double_url = f"http://127.0.0.1:{DOUBLE_PORT}"
    started = []
    try:
        redis = RedisServer(folder / "redis", REDIS_PORT)
        started.append(redis.process)
        garage = Garage(folder / "garage", GARAGE_PORT)
        started.append(garage.process)
        command = [sys.executable, docling_double.__file__, str(DOUBLE_PORT)]
        environment = bare_environment()
        started.append(Process(command, folder / "double.log", environment, lambda: answers(f"{double_url}/health")))
        settings = {
            "REDIS_URL": redis.url,
            "DOCLING_SERVE_URL": double_url,
            "S3_PUBLIC_URL": "https://files.example.test",
            "AUTH_MODE": "basic",
            "AUTH_SECRET_KEY": "s" * 32,
            "AUTH_BASIC_USERS": f"ada:{record}",
            "AUTH_COOKIE_SECURE": "false",
            **garage.environment,
        }
        gateway = Gateway(folder, GATEWAY_PORT, settings)
        started.append(gateway.process)
        yield Site(gateway.url, "ada", password)
    finally:
        for process in reversed(started):
            process.kill()
