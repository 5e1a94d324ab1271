# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import boto3
import pytest
from moto.server import ThreadedMotoServer

from ansible_collections.selfhost.aistack.plugins.module_utils import _health_s3
from ansible_collections.selfhost.aistack.plugins.module_utils._health_http import Answer
from ansible_collections.selfhost.aistack.plugins.module_utils._health_net import NotReadyError
from ansible_collections.selfhost.aistack.plugins.module_utils._health_s3 import probe_s3

PORT = 20430
ENDPOINT = f"http://127.0.0.1:{PORT}"
KEYS = {"endpoint": ENDPOINT, "region": "us-east-1", "access_key": "key", "secret_key": "secret"}


@pytest.fixture(scope="module")
def client():
    server = ThreadedMotoServer("127.0.0.1", PORT, verbose=False)
    server.start()
    client = boto3.client(
        "s3", endpoint_url=ENDPOINT, region_name="us-east-1", aws_access_key_id="key", aws_secret_access_key="secret"
    )
    client.create_bucket(Bucket="results")
    yield client
    server.stop()


@pytest.fixture
def requests(monkeypatch):
    """The requests that the probe makes, as (method, path)."""
    made = []
    real = _health_s3.request

    def request(method, url, *args, **more):
        made.append((method, url.replace(ENDPOINT, "")))
        return real(method, url, *args, **more)

    monkeypatch.setattr(_health_s3, "request", request)
    return made


def test_writes_reads_and_deletes_a_marker(client, requests, target):
    probe_s3(target("s3", bucket="results", **KEYS), 5, False)
    assert [method for method, path in requests] == ["PUT", "GET", "DELETE"]
    assert len({path for method, path in requests}) == 1
    assert requests[0][1].startswith("/results/health-wait/")
    assert client.list_objects_v2(Bucket="results")["KeyCount"] == 0


@pytest.mark.parametrize(("read_only", "write"), [(True, None), (True, True), (False, False)])
def test_only_lists_where_nothing_may_be_written(client, requests, target, read_only, write):
    probe_s3(target("s3", bucket="results", write=write, **KEYS), 5, read_only)
    assert requests == [("GET", "/results?list-type=2&max-keys=1")]


def test_a_missing_bucket(client, target):
    with pytest.raises(NotReadyError) as caught:
        probe_s3(target("s3", bucket="none", **KEYS), 5, False)
    assert str(caught.value) == (
        f"PUT in bucket none at {ENDPOINT} answers 404 NoSuchBucket: the bucket does not exist"
    )


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (403, b"<Error><Code>SignatureDoesNotMatch</Code></Error>", "403 SignatureDoesNotMatch: secret_key does not"),
        (403, b"<Error><Code>InvalidAccessKeyId</Code></Error>", "403 InvalidAccessKeyId: the server does not know"),
        (400, b"<Error><Code>AuthorizationHeaderMalformed</Code></Error>", "region is not the server's own"),
        (503, b"<Error><Code>SlowDown</Code></Error>", "503 SlowDown"),
        (502, b"<html>bad gateway</html>", "answers 502"),
    ],
)
def test_refusals_are_told_as_what_they_are(monkeypatch, target, status, body, words):
    monkeypatch.setattr(_health_s3, "request", lambda *args, **more: Answer(status, {}, body))
    with pytest.raises(NotReadyError, match=words):
        probe_s3(target("s3", bucket="results", **KEYS), 5, False)


def test_other_bytes_than_written(monkeypatch, target):
    monkeypatch.setattr(_health_s3, "request", lambda *args, **more: Answer(200, {}, b"other"))
    with pytest.raises(NotReadyError, match="gives back other bytes"):
        probe_s3(target("s3", bucket="results", **KEYS), 5, False)
