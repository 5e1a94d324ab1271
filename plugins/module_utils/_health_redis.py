# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Probe of kind `redis`: RESP over a socket, standard library only. Valkey speaks the same.

Private to the collection.
"""

from __future__ import annotations

import contextlib

from ansible_collections.selfhost.aistack.plugins.module_utils._health_net import (
    NotReadyError,
    connect,
    reason,
    tls_context,
)

REPLY_LIMIT = 1024 * 1024


class ReplyError(Exception):
    """The server answered a command with an error; the text is its own."""


def encode(*words):
    """One command as RESP bytes."""
    parts = [word.encode() for word in words]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)


def read_reply(stream):
    """A simple string, integer or bulk string as text; ReplyError for an error reply, ValueError for all else."""
    line = stream.readline(REPLY_LIMIT)
    if not line.endswith(b"\r\n"):
        raise ValueError("the connection was closed")
    kind, rest = line[:1], line[1:-2].decode("utf-8", "replace")
    if kind == b"-":
        raise ReplyError(rest)
    if kind in (b"+", b":"):
        return rest
    if kind == b"$" and rest.isdigit() and int(rest) <= REPLY_LIMIT:
        data = stream.read(int(rest) + 2)
        if len(data) == int(rest) + 2:
            return data[:-2].decode("utf-8", "replace")
    raise ValueError("the answer is not Redis's protocol")


def field(info, name):
    """The value of one `name:value` line of an INFO reply, or None."""
    for line in info.splitlines():
        key, _colon, value = line.partition(":")
        if key == name:
            return value
    return None


def _explain(error):
    """What an error reply means. Of a refused login only the first word is told, which cannot carry a secret."""
    word = error.split(" ")[0]
    if "without any password configured" in error:
        return "it has no password set; leave password out"
    if word == "NOAUTH":
        return "it wants a password; set password"
    if word == "WRONGPASS" or "AUTH" in error:
        return f"it refuses the username or password ({word})"
    return f"it answers {error}"


def probe_redis(target, timeout, read_only):
    """Logs in where a password is given, wants PONG (which a loading server does not say) and the wanted role."""
    host, port = target["host"] or "127.0.0.1", target["port"] or 6379
    label = f"{host}:{port}"
    try:
        with contextlib.ExitStack() as stack:
            sock = stack.enter_context(connect(host, port, timeout))
            if target["tls"]:
                context = tls_context(target["ca_file"])
                sock = stack.enter_context(context.wrap_socket(sock, server_hostname=host))
            stream = stack.enter_context(sock.makefile("rb"))

            def ask(*words):
                sock.sendall(encode(*words))
                return read_reply(stream)

            if target["password"] is not None:
                ask("AUTH", *([target["username"]] if target["username"] else []), target["password"])
            ask("PING")
            role = field(ask("INFO", "replication"), "role") if target["role"] else None
    except OSError as exc:
        raise NotReadyError(f"{label}: {reason(exc)}") from exc
    except ReplyError as exc:
        raise NotReadyError(f"{label}: {_explain(str(exc))}") from exc
    except ValueError as exc:
        raise NotReadyError(f"{label}: {exc}") from exc
    if role != target["role"]:
        raise NotReadyError(f"{label}: its role is {role} instead of {target['role']}")
