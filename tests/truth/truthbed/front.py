# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The front door of a site, asked in ways that a browser would not: raw requests, old TLS, one cipher at a time."""

from __future__ import annotations

import contextlib
import datetime
import http.client
import socket
import ssl
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

_PATIENCE_S = 30
# At its usual level the library would itself refuse what only the server shall refuse.
_EVERYTHING = "ALL:COMPLEMENTOFALL:@SECLEVEL=0"


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Message
    body: bytes


class Front:
    """The front door at an address. Its certificate is not looked at: that is proved elsewhere."""

    def __init__(self, address: str, port: int = 443) -> None:
        """Remember where it is."""
        self.address = address
        self.port = port

    def ask(self, method: str, path: str) -> Answer:
        """One request as any client makes it."""
        return self.raw(method, path)

    def raw(
        self,
        method: str,
        path: str,
        *,
        host: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """One request whose line and headers go out as they are given."""
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self.address if host is None else host}", "Connection: close"]
        given = headers or {}
        if "Connection" in given:
            lines.pop()
        lines += [f"{name}: {value}" for name, value in given.items()]
        with (
            self._connected() as raw,
            self._context().wrap_socket(raw, server_hostname=self.address) as wrapped,
        ):
            wrapped.sendall("\r\n".join([*lines, "", ""]).encode("latin-1"))
            return _read(wrapped, method)

    def ask_plain(self, method: str, path: str) -> Answer:
        """One request without TLS to port 80."""
        with socket.create_connection((self.address, 80), _PATIENCE_S) as raw:
            raw.sendall(f"{method} {path} HTTP/1.1\r\nHost: {self.address}\r\nConnection: close\r\n\r\n".encode())
            return _read(raw, method)

    def handshake(self, version: ssl.TLSVersion, ciphers: str = _EVERYTHING, server_name: str = "") -> str:
        """Offer one version of TLS, and ask for a name, by default the address. Returns the version that was agreed on, or the reason for a refusal."""
        context = self._context(ciphers)
        context.minimum_version = context.maximum_version = version
        try:
            with (
                self._connected() as raw,
                context.wrap_socket(raw, server_hostname=server_name or self.address) as wrapped,
            ):
                return wrapped.version() or ""
        except ssl.SSLError as error:
            return error.reason or str(error)

    @staticmethod
    def ciphers_known() -> set[str]:
        """Ciphers for TLS 1.2 and older that this machine can offer."""
        context = Front._context()
        return {cipher["name"] for cipher in context.get_ciphers() if cipher["protocol"] != "TLSv1.3"}

    def ciphers_taken(self, offered: set[str]) -> set[str]:
        """Those with which a handshake of TLS 1.2 succeeds where each is offered alone."""
        version = ssl.TLSVersion.TLSv1_2
        return {name for name in offered if self.handshake(version, f"{name}:@SECLEVEL=0") == "TLSv1.2"}

    def _connected(self) -> socket.socket:
        return socket.create_connection((self.address, self.port), _PATIENCE_S)

    @staticmethod
    def _context(ciphers: str = _EVERYTHING) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_ciphers(ciphers)
        return context


def _read(source: socket.socket, method: str) -> Answer:
    answer = http.client.HTTPResponse(source, method=method)
    answer.begin()
    return Answer(answer.status, answer.headers, answer.read())


@contextlib.contextmanager
def old_server(version: ssl.TLSVersion) -> Iterator[tuple[str, int]]:
    """A server on loopback that speaks one version of TLS alone; its address and port."""
    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as listener:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(_certificate(Path(folder)))
        context.set_ciphers(_EVERYTHING)
        context.minimum_version = context.maximum_version = version
        thread = threading.Thread(target=_serve_one, args=(listener, context))
        thread.start()
        yield listener.getsockname()
        thread.join(_PATIENCE_S)


def _serve_one(listener: socket.socket, context: ssl.SSLContext) -> None:
    with listener.accept()[0] as raw, context.wrap_socket(raw, server_side=True) as wrapped:
        wrapped.recv(1)


def _certificate(folder: Path) -> Path:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "old server")])
    now = datetime.datetime.now(datetime.UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = folder / "server.pem"
    file.write_bytes(private + built.public_bytes(serialization.Encoding.PEM))
    return file
