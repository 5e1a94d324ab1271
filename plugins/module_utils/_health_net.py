# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the probes of health_wait share: their two outcomes, connections, and plain words for network errors.

Private to the collection.
"""

from __future__ import annotations

import socket
import ssl
import time

# A host that is not up yet swallows the first packet, and the kernel repeats it only after 1 s; a new attempt is as
# good as that.
CONNECT_TIMEOUT = 1.0
# How long a fresh connection must stay open to count: Docker's port proxy accepts for a container that does not
# listen yet, and closes as soon as it finds that out.
SETTLE = 0.02


class NotReadyError(Exception):
    """The target is not ready now but may become so; the text is the rest of the sentence "X is not ready: ..."."""


class HopelessError(NotReadyError):
    """The target will not become ready by waiting; ends the wait at once."""


def reason(exc):
    """An OSError (timeouts and TLS errors are OSErrors too) as plain words."""
    if isinstance(exc, ssl.SSLCertVerificationError):
        return f"its certificate is not accepted ({exc.verify_message})"
    if isinstance(exc, ssl.SSLError):
        return f"the TLS handshake failed ({exc.reason or exc})"
    if isinstance(exc, socket.timeout):  # an alias of TimeoutError from Python 3.10 on
        return "no answer in time"
    if isinstance(exc, socket.gaierror):
        return "its name cannot be resolved"
    if isinstance(exc, ConnectionRefusedError):
        return "the connection is refused"
    if isinstance(exc, (ConnectionResetError, BrokenPipeError)):
        return "the connection was closed at once"
    return exc.strerror or str(exc)


def connect(host, port, timeout):
    """An open TCP connection whose further operations wait at most `timeout` seconds each."""
    sock = socket.create_connection((host, port), timeout=min(timeout, CONNECT_TIMEOUT))
    sock.settimeout(timeout)
    return sock


def tls_context(ca_file):
    """Verifies certificates against `ca_file`, or against the system's authorities without one."""
    try:
        return ssl.create_default_context(cafile=ca_file)
    except FileNotFoundError:
        # A private authority writes its certificate on its first start, which may be what is being waited for.
        raise NotReadyError(f"the file {ca_file} named by ca_file does not exist (yet)") from None
    except (OSError, ssl.SSLError) as exc:
        raise HopelessError(f"the file {ca_file} named by ca_file cannot be used ({exc.strerror or exc})") from exc


def probe_tcp(target, timeout, read_only):
    """Kind `tcp`: the port accepts a connection and does not close it at once."""
    host, port = target["host"] or "127.0.0.1", target["port"]
    started = time.monotonic()
    try:
        with connect(host, port, timeout) as sock:
            sock.settimeout(SETTLE)
            try:
                closed = sock.recv(1) == b""
            except socket.timeout:
                closed = False
    except OSError as exc:
        raise NotReadyError(f"{host}:{port}: {reason(exc)}") from exc
    if closed:
        raise NotReadyError(f"{host}:{port}: the connection was closed after {time.monotonic() - started:.3f} s")
