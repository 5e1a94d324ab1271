# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Docker Engine API over its unix socket, standard library only.

Private to the collection.

Paths are given without a version prefix: the engine then answers with its own newest version, so that one
client serves every engine from 20.10 on.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import time
from urllib.parse import quote, urlencode

DEFAULT_SOCKET = "/var/run/docker.sock"


class DockerError(Exception):
    """The engine refused a request or cannot be reached; the text is one sentence. `status` is 0 if unreachable."""

    def __init__(self, message, status=0):
        super().__init__(message)
        self.status = status


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        try:
            self.sock.connect(self._path)
        except OSError:
            self.sock.close()
            raise


class Docker:
    """Requests to one engine.

    `timeout` is the longest silence (s) that is accepted on the socket. `off`: the engine does not run, and is not to be asked,
    since systemd would start it for that.
    """

    def __init__(self, socket_path=DEFAULT_SOCKET, timeout=60, off=False):
        self.socket_path = socket_path
        self.off = off
        self.timeout = timeout

    def available(self):
        """Whether an engine's socket exists and may be used; says nothing about its answers."""
        return not self.off and os.path.exists(self.socket_path)

    def _open(self, method, path, body, headers, timeout=None):
        headers = dict(headers or {})
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            headers.setdefault("Content-Type", "application/json")
        connection = _UnixConnection(self.socket_path, timeout or self.timeout)
        try:
            connection.request(method, path, body=body, headers=headers)
            return connection, connection.getresponse()
        except (OSError, http.client.HTTPException) as exc:
            connection.close()
            raise DockerError(
                f"The Docker engine at {self.socket_path} does not answer ({exc}); start it (systemctl start docker) and run again."
            ) from exc

    def request(self, method, path, body=None, headers=None):
        """One request; returns (status, body as bytes) whatever the status is."""
        connection, response = self._open(method, path, body, headers)
        try:
            return response.status, response.read()
        except (OSError, http.client.HTTPException) as exc:
            raise DockerError(f"The Docker engine broke off its answer to {method} {path} ({exc}).") from exc
        finally:
            connection.close()

    def _checked(self, method, path, body=None):
        status, data = self.request(method, path, body)
        if status >= 400:
            raise DockerError(_message(data) or f"{method} {path} answered {status}", status)
        return json.loads(data) if data.strip() else None

    def get(self, path):
        """GET, parsed; DockerError with the engine's own words on any status from 400."""
        return self._checked("GET", path)

    def find(self, path):
        """GET, parsed, or None where the engine answers 404."""
        try:
            return self.get(path)
        except DockerError as exc:
            if exc.status == 404:
                return None
            raise

    def post(self, path, body=None):
        """POST, parsed (None for an empty answer)."""
        return self._checked("POST", path, body)

    def delete(self, path):
        """DELETE, parsed (None for an empty answer)."""
        return self._checked("DELETE", path)

    def events(self, method, path, headers=None):
        """Yield the JSON objects of a streaming answer (a pull, for example) as they arrive."""
        connection, response = self._open(method, path, None, headers, timeout=max(self.timeout, 600))
        try:
            if response.status >= 400:
                data = response.read()
                raise DockerError(_message(data) or f"{method} {path} answered {response.status}", response.status)
            for line in response:
                if line.strip():
                    yield json.loads(line)
        except (OSError, http.client.HTTPException) as exc:
            raise DockerError(f"The Docker engine broke off its answer to {method} {path} ({exc}).") from exc
        finally:
            connection.close()

    def containers(self, project, service=None):
        """All containers (running or not) of a compose project, as the engine lists them."""
        labels = [f"com.docker.compose.project={project}"]
        if service:
            labels.append(f"com.docker.compose.service={service}")
        query = urlencode({"all": "1", "filters": json.dumps({"label": labels})})
        return self.get(f"/containers/json?{query}")

    def inspect(self, container):
        """A container's state and configuration, or None if there is none of that name or id."""
        return self.find(f"/containers/{quote(container, safe='')}/json")

    def past(self, container, since):
        """What the engine noted of a container from the time `since` until now: [(action, attributes)], in order."""
        query = urlencode(
            {
                "since": f"{since:.6f}",
                "until": f"{time.time():.6f}",
                "filters": json.dumps({"type": ["container"], "container": [container]}),
            }
        )
        return [(event["Action"], event["Actor"]["Attributes"]) for event in self.events("GET", f"/events?{query}")]

    def image(self, reference):
        """A local image by reference or id, or None."""
        return self.find(f"/images/{quote(reference, safe='/:@')}/json")

    def logs(self, container, tail=20):
        """The last `tail` lines a container wrote to stdout and stderr, as text."""
        query = urlencode({"stdout": "1", "stderr": "1", "tail": str(tail)})
        status, data = self.request("GET", f"/containers/{quote(container, safe='')}/logs?{query}")
        if status >= 400:
            raise DockerError(_message(data) or f"logs of {container} answered {status}", status)
        return demultiplex(data).decode("utf-8", "replace")


def demultiplex(data):
    """The payload of a log stream whose frames carry an eight byte header; a stream without headers (TTY) unchanged."""
    out, position = [], 0
    while position + 8 <= len(data):
        if data[position] > 2 or data[position + 1 : position + 4] != b"\0\0\0":
            return data
        size = int.from_bytes(data[position + 4 : position + 8], "big")
        out.append(data[position + 8 : position + 8 + size])
        position += 8 + size
    return b"".join(out) if out else data


def _message(data):
    try:
        return json.loads(data)["message"].strip()
    except (ValueError, KeyError, TypeError):
        return data.decode("utf-8", "replace").strip()
