# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One HTTP request with the standard library, and the probe of kind `http` made of it.

Private to the collection.
"""

from __future__ import annotations

import http.client
import json
from urllib.parse import urljoin, urlsplit

from ansible_collections.selfhost.aistack.plugins.module_utils._health_net import (
    NotReadyError,
    connect,
    reason,
    tls_context,
)

# Enough for any health document; a longer body is cut, and an endless one does not hold the probe.
BODY_LIMIT = 1024 * 1024
REDIRECTS = 5
# How much of an unexpected answer is told.
EXCERPT = 200


class Answer:
    """Status, headers and at most BODY_LIMIT bytes of body of one response."""

    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    def excerpt(self):
        """The beginning of a body made for reading, in brackets on one line, or nothing."""
        kind = self.headers.get("Content-Type", "").split(";")[0]
        if kind not in ("application/json", "text/plain", "application/problem+json"):
            return ""
        text = " ".join(self.body[: EXCERPT * 4].decode("utf-8", "replace").split())
        return f" ({text[:EXCERPT]})" if text else ""


def shown(url):
    """The URL as messages may tell it: without user part, query and fragment, which may carry a secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def request(method, url, headers, timeout, body=None, ca_file=None, server_name=None, address=None, unread=()):
    """Send one request, without following redirects or using a proxy, and return its Answer.

    `address` is connected to instead of the URL's host; `server_name` replaces that host in SNI and in the check of
    the certificate. `timeout` (s) bounds each wait on the socket. The body of an answer with a status in `unread` is
    left alone: it may be a stream without end. Raises NotReadyError where no answer came.
    """
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    host, port = parts.hostname, parts.port or (443 if secure else 80)
    connection = http.client.HTTPConnection(host, port)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection.sock = connect(address or host, port, timeout)
        if secure:
            context = tls_context(ca_file)
            connection.sock = context.wrap_socket(connection.sock, server_hostname=server_name or host)
        headers = dict({"User-Agent": "selfhost.aistack", "Host": parts.netloc.rpartition("@")[2]}, **headers)
        connection.request(method, path, body=body, headers=headers)
        response = connection.getresponse()
        data = b"" if response.status in unread else response.read(BODY_LIMIT)
        return Answer(response.status, response.headers, data)
    except OSError as exc:
        raise NotReadyError(f"{shown(url)}: {reason(exc)}") from exc
    except http.client.HTTPException as exc:
        raise NotReadyError(f"{shown(url)}: the answer is not HTTP ({type(exc).__name__})") from exc
    finally:
        connection.close()


def _fetch(target, timeout, wanted):
    """Ask for the target's URL, following redirects where that is wanted; returns (Answer, last URL)."""
    url, site = target["url"], target["host"]
    headers = {} if target["headers"] is None else {key: str(value) for key, value in target["headers"].items()}
    if site:
        headers["Host"] = site
    name = urlsplit(f"//{site}").hostname if site else None
    origin = urlsplit(url).hostname
    address = origin
    for _hop in range(REDIRECTS + 1):
        answer = request(
            target["method"] or "GET",
            url,
            headers,
            timeout,
            ca_file=target["ca_file"],
            server_name=name,
            address=address,
            unread=() if target["json"] else wanted,
        )
        location = answer.headers.get("Location")
        if not target["follow_redirects"] or location is None or answer.status not in (301, 302, 303, 307, 308):
            return answer, url
        url = urljoin(f"{urlsplit(url).scheme}://{site}{urlsplit(url).path}" if site else url, location)
        if urlsplit(url).scheme not in ("http", "https"):
            raise NotReadyError(f"{shown(target['url'])}: redirects to {shown(url)}, which is not HTTP")
        # A redirect within the site that was asked for goes on being asked at the given address; any other host is
        # somebody else, who must not see the headers meant for this one.
        if urlsplit(url).hostname in (name, origin):
            headers.pop("Host", None)
            name = None
        else:
            headers, name, origin, address, site = {}, None, None, None, None
    raise NotReadyError(f"{shown(target['url'])}: more than {REDIRECTS} redirects")


def find(document, path):
    """The value at a dotted path in parsed JSON (a number steps into a list); KeyError where there is none."""
    for step in path.split("."):
        if isinstance(document, list) and step.isdigit() and int(step) < len(document):
            document = document[int(step)]
        elif isinstance(document, dict) and step in document:
            document = document[step]
        else:
            raise KeyError(path)
    return document


def same(actual, wanted):
    """Whether two values agree; a templated value arrives as text, so text is compared with the JSON spelling."""
    if isinstance(wanted, str) and not isinstance(actual, str):
        return json.dumps(actual).lower() == wanted.lower()
    return actual == wanted and isinstance(actual, bool) == isinstance(wanted, bool)


def probe_http(target, timeout, read_only):
    """Kind `http`: the URL answers with a wanted status and, if asked for, wanted values in its JSON."""
    wanted = target["status"] or [200]
    answer, url = _fetch(target, timeout, wanted)
    if answer.status not in wanted:
        choice = " or ".join(str(code) for code in wanted)
        raise NotReadyError(f"{shown(url)}: answers {answer.status} instead of {choice}{answer.excerpt()}")
    if not target["json"]:
        return
    try:
        document = json.loads(answer.body)
    except ValueError:
        raise NotReadyError(f"{shown(url)}: the body is not JSON") from None
    for path, value in target["json"].items():
        try:
            actual = find(document, path)
        except KeyError:
            raise NotReadyError(f"{shown(url)}: the JSON has no field {path}") from None
        if not same(actual, value):
            told = json.dumps(actual)[:EXCERPT]
            raise NotReadyError(f"{shown(url)}: the field {path} is {told} instead of {json.dumps(value)}")
