# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A client for Garage's admin API v2 that tells every failure as one sentence.

Private to the collection. Standard library only.
"""

from __future__ import annotations

import http.client
import json
import re
import socket
import ssl
from urllib.parse import urlencode, urlsplit

# Garage itself counts 1K as 1000 and 1Ki as 1024, in its configuration and in what it prints.
SIZE_UNITS = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4, "P": 5}
SIZE_PATTERN = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?([kKMGTP]?)(i?)B?")


class GarageError(Exception):
    """A failure as one sentence for the user.

    ``status`` is the HTTP status, or None if there was no answer or no request.
    """

    def __init__(self, message, status=None):
        super().__init__(message)
        self.status = status


class GarageNotFound(GarageError):
    """The named bucket or key does not exist (HTTP 404)."""


class GarageConflict(GarageError):
    """The state of the server forbids the call, for instance because the name is taken (HTTP 409)."""


class GarageNoLayout(GarageError):
    """There is no cluster layout yet, and so neither key nor bucket."""


class GarageUnsure(GarageError):
    """The call may or may not have had its effect: no answer, or an error of the server (HTTP 5xx)."""


class GarageClient:
    """Make calls of the admin API, one connection a call.

    :param endpoint: base URL, ``http://host:port`` or ``https://host:port``.
    :param admin_token: the bearer token.
    :param timeout: seconds for one request.
    :param ca_file: PEM file of the authority to trust for https, or None for the system's.
    :raises GarageError: if an argument cannot be used.
    """

    def __init__(self, endpoint, admin_token, timeout=30, ca_file=None):
        self.endpoint = endpoint.rstrip("/")
        self._timeout = timeout
        self._scheme, self._host, self._port = _split_endpoint(endpoint)
        self._tls = _tls_context(ca_file) if self._scheme == "https" else None
        if not re.fullmatch(r"[!-~]+", admin_token):
            raise GarageError("admin_token must be one word of printable ASCII characters: remove spaces and line ends")
        self._headers = {"Authorization": "Bearer " + admin_token, "Accept": "application/json"}

    def get(self, operation, **query):
        """Call a reading operation.

        :param operation: its name, for instance ``GetClusterLayout``.
        :param query: the arguments for the query string.
        :returns: the decoded JSON answer.
        :raises GarageError: or one of its subclasses.
        """
        return self._call("GET", operation, query, None)

    def post(self, operation, body=None, **query):
        """Call a writing operation; arguments, result and errors as for ``get``, ``body`` is sent as JSON."""
        return self._call("POST", operation, query, body)

    def _call(self, method, operation, query, body):
        path = "/v2/" + operation + ("?" + urlencode(query) if query else "")
        headers = dict(self._headers)
        data = None
        if body is not None:
            data = json.dumps(body).encode("utf-8")
            headers["Content-Type"] = "application/json"
        status, text = self._exchange(method, operation, path, data, headers)
        try:
            answer = json.loads(text)
        except ValueError:
            raise self._error_without_json(operation, status) from None
        if status == 200:
            return answer
        raise self._error(operation, status, answer)

    def _exchange(self, method, operation, path, data, headers):
        if self._tls is None:
            connection = http.client.HTTPConnection(self._host, self._port, timeout=self._timeout)
        else:
            connection = http.client.HTTPSConnection(self._host, self._port, timeout=self._timeout, context=self._tls)
        try:
            connection.request(method, path, body=data, headers=headers)
            response = connection.getresponse()
            return response.status, response.read().decode("utf-8", "replace")
        except (OSError, http.client.HTTPException) as problem:
            raise self._error_without_answer(operation, problem) from problem
        finally:
            connection.close()

    def _error_without_answer(self, operation, problem):
        if isinstance(problem, ConnectionRefusedError):
            why = "refuses the connection: start Garage, or correct endpoint or [admin] api_bind_addr"
        elif isinstance(problem, socket.gaierror):
            why = "has a host name that does not resolve: correct endpoint"
        elif isinstance(problem, ssl.SSLCertVerificationError):
            why = "shows a certificate that is not trusted (%s): set ca_file" % problem.verify_message
        elif isinstance(problem, ssl.SSLError):
            why = "does not speak TLS as expected (%s): correct the scheme of endpoint" % problem.reason
        elif isinstance(problem, socket.timeout):
            why = "did not answer %s within %d seconds: look at Garage's log, or raise timeout" % (
                operation,
                self._timeout,
            )
        else:
            why = "broke off %s without an answer (%s): look at Garage's log" % (operation, problem)
        return GarageUnsure("Garage's admin API at %s %s" % (self.endpoint, why))

    def _error_without_json(self, operation, status):
        message = (
            "What answers at %s is not Garage's admin API v2 (HTTP %d without JSON on %s): "
            "endpoint must lead to the [admin] port of Garage 2.0 or newer" % (self.endpoint, status, operation)
        )
        return GarageUnsure(message, status) if status >= 500 else GarageError(message, status)

    def _error(self, operation, status, answer):
        told = answer.get("message") if isinstance(answer, dict) else None
        told = " ".join(str(told or "no message").split())
        if status == 403:
            return GarageError(
                "Garage at %s refused admin_token for %s (HTTP 403): give the admin_token of its configuration "
                "(which must not contain a dot) or a token whose scope holds this call" % (self.endpoint, operation),
                status,
            )
        if status == 400 and "Unknown API endpoint" in told:
            return GarageError(
                "Garage at %s does not know %s: Garage 2.0 or newer is needed" % (self.endpoint, operation), status
            )
        if "Layout not ready" in told:
            return GarageNoLayout(
                "Garage at %s has no cluster layout yet: apply one with garage_layout first" % self.endpoint, status
            )
        message = "Garage at %s answered %s with HTTP %d: %s" % (self.endpoint, operation, status, told)
        if status == 503:
            message += " (not enough nodes answer: bring them up or correct the layout)"
        kinds = {404: GarageNotFound, 409: GarageConflict}
        return kinds.get(status, GarageUnsure if status >= 500 else GarageError)(message, status)


def garage_argument_spec():
    """Return the argument specification of the options in the documentation fragment ``garage``."""
    return {
        "endpoint": {"type": "str", "default": "http://127.0.0.1:3903"},
        "admin_token": {"type": "str", "no_log": True},
        "admin_token_file": {"type": "path"},
        "timeout": {"type": "int", "default": 30},
        "ca_file": {"type": "path"},
        "assume_empty": {"type": "bool", "default": False},
    }


class PredictingClient(GarageClient):
    """What check mode asks: before the first layout, which a real run would have applied by then, nothing is found."""

    def get(self, operation, **query):
        try:
            return super().get(operation, **query)
        except GarageNoLayout as problem:
            raise GarageNotFound(str(problem), problem.status) from problem


class EmptyGarage:
    """What check mode asks in place of a Garage that is not there yet: one node without a role, no keys, no buckets."""

    # The node makes its id when it is started for the first time.
    UNKNOWN_NODE = "0" * 64

    def __init__(self, endpoint):
        self.endpoint = endpoint

    def get(self, operation, **query):
        """Answer as a virgin Garage; a key or bucket is never found."""
        if operation == "GetClusterLayout":
            return {"version": 0, "roles": [], "parameters": {"zoneRedundancy": "maximum"}, "stagedRoleChanges": []}
        if operation == "GetNodeInfo":
            return {"success": {self.UNKNOWN_NODE: {}}, "error": {}}
        raise GarageNotFound("a Garage that is not there yet has nothing of that name", 404)


def client_from_params(params, check_mode=False):
    """Make the client that a module's shared options describe.

    :param params: the module's parameters.
    :param check_mode: whether nothing may change; only then ``assume_empty`` counts.
    :raises GarageError: if one of them cannot be used.
    """
    if check_mode and params["assume_empty"]:
        return EmptyGarage(params["endpoint"])
    if params["timeout"] < 1:
        raise GarageError("timeout is %d: give a number of seconds from 1" % params["timeout"])
    kind = PredictingClient if check_mode else GarageClient
    return kind(params["endpoint"], _admin_token(params), params["timeout"], params["ca_file"])


def _admin_token(params):
    given = [name for name in ("admin_token", "admin_token_file") if params[name]]
    if len(given) != 1:
        raise GarageError(
            "admin_token and admin_token_file are %s given: give one of them" % ("both" if given else "not")
        )
    if given == ["admin_token"]:
        return params["admin_token"]
    try:
        with open(params["admin_token_file"], encoding="utf-8") as handle:
            return handle.read().strip()
    except (OSError, ValueError) as problem:
        raise GarageUnsure(
            "admin_token_file '%s' cannot be read (%s): give the path of the file on the host that holds the token"
            % (params["admin_token_file"], problem)
        ) from problem


def parse_size(text, name):
    """Read a size the way Garage writes it.

    :param text: whole bytes, or a number with K, M, G, T, P (powers of 1000) or Ki, Mi, Gi, Ti, Pi (powers of
        1024), with or without a ``B``.
    :param name: the option's name, for the message.
    :returns: the size in bytes (int).
    :raises GarageError: if the text is no size.
    """
    match = SIZE_PATTERN.fullmatch(str(text).strip())
    if not match or (match.group(3) and not match.group(2)) or ("." in match.group(1) and not match.group(2)):
        raise GarageError(
            "%s is %r: give bytes, or a number with K, M, G, T, P (1000) or Ki, Mi, Gi, Ti, Pi (1024), such as 10G"
            % (name, text)
        )
    number, unit, binary = match.groups()
    factor = (1024 if binary else 1000) ** SIZE_UNITS[unit.upper()]
    # Integers are kept away from floating point, where large ones would lose their last digits.
    return int(float(number) * factor) if "." in number else int(number) * factor


def _split_endpoint(endpoint):
    try:
        parts = urlsplit(endpoint)
        port = parts.port
    except ValueError:
        parts, port = None, None
    if (
        parts is None
        or parts.scheme not in ("http", "https")
        or not parts.hostname
        or parts.path.strip("/")
        or parts.query
        or parts.username
    ):
        raise GarageError("endpoint is %r: give http://host:port or https://host:port of Garage's admin API" % endpoint)
    return parts.scheme, parts.hostname, port or (443 if parts.scheme == "https" else 80)


def _tls_context(ca_file):
    try:
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as problem:
        raise GarageError(
            "ca_file '%s' cannot be used (%s): give a readable PEM file" % (ca_file, problem)
        ) from problem
