# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import calendar
from unittest import mock

import botocore.auth
import pytest
from botocore.awsrequest import AWSRequest
from botocore.compat import datetime
from botocore.credentials import Credentials

from ansible_collections.selfhost.aistack.plugins.module_utils._sigv4 import sign

NOW = datetime.datetime(2026, 11, 20, 12, 30, 5, tzinfo=datetime.timezone.utc)


def botocore_headers(method, url, body, token):
    """What botocore's own signer makes of the same request at the same moment."""
    request = AWSRequest(method=method, url=url, data=body)
    signer = botocore.auth.S3SigV4Auth(Credentials("GK0123", "secret/+key", token), "s3", "garage")
    # S3 over plain HTTP hashes the body unless told otherwise; this makes it do so over HTTPS too.
    request.context["payload_signing_enabled"] = True
    with mock.patch.object(botocore.auth, "get_current_datetime", return_value=NOW.replace(tzinfo=None)):
        signer.add_auth(request)
    return {name.lower(): value for name, value in request.headers.items()}


@pytest.mark.parametrize(
    ("method", "url", "body", "token"),
    [
        ("GET", "http://127.0.0.1:3900/results?list-type=2&max-keys=1", b"", None),
        ("PUT", "https://s3.example.org/results/health-wait/0a1b", b"marker", None),
        ("DELETE", "http://garage:3900/a.b-c/health-wait/x", b"", "token=="),
        ("GET", "http://garage:3900/b?prefix=a%20b%2F%C3%A9&delimiter=", b"", None),
        ("GET", "http://garage:3900/b?prefix=a~b&max-keys=1&list-type=2", b"", None),
    ],
)
def test_agrees_with_botocore(method, url, body, token):
    ours = sign(method, url, "garage", "GK0123", "secret/+key", body, token, now=calendar.timegm(NOW.timetuple()))
    theirs = botocore_headers(method, url, body, token)
    ours = {name.lower(): value for name, value in ours.items()}
    assert {name: ours[name] for name in theirs} == theirs


def test_the_host_header_is_the_one_signed():
    assert sign("GET", "http://garage:3900/b", "garage", "k", "s")["Host"] == "garage:3900"
