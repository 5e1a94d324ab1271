# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from botocore.exceptions import EndpointConnectionError
from botocore.stub import Stubber

from ansible_collections.selfhost.aistack.plugins.module_utils import _s3_bucket
from ansible_collections.selfhost.aistack.plugins.module_utils._s3 import Bucket, S3Error, s3_argument_spec, s3_client
from ansible_collections.selfhost.aistack.plugins.modules.s3_bucket import facet_spec

ENDPOINT = "http://127.0.0.1:20440"


@pytest.fixture
def params():
    spec = {**s3_argument_spec(), **facet_spec()}
    given = {"name": "results", "endpoint_url": ENDPOINT, "region": "garage", "access_key": "k", "secret_key": "s"}
    return {**{name: option.get("default") for name, option in spec.items()}, **given}


@pytest.fixture
def server(params, monkeypatch):
    """A client whose answers a test lays down in the order of the requests; all must be used."""
    client = s3_client(params)
    monkeypatch.setattr(_s3_bucket, "s3_client", lambda params: client)
    monkeypatch.setattr(_s3_bucket, "SETTLE_SECONDS", 0.0)
    monkeypatch.setattr(_s3_bucket, "SETTLE_PAUSE", 0.0)
    with Stubber(client) as stub:
        yield stub
        stub.assert_no_pending_responses()


def refuse(server, operation, code, status, text="words", headers=None, **error):
    server.add_client_error(
        operation,
        service_error_code=code,
        service_message=text,
        http_status_code=status,
        service_error_meta=error,
        response_meta={"HTTPHeaders": headers or {}},
    )


@pytest.mark.parametrize(
    ("code", "status", "headers", "error", "words"),
    [
        ("AccessDenied", 403, {}, {}, "either these keys are not known or may not do this, or the bucket belongs to somebody else"),
        ("InvalidAccessKeyId", 403, {}, {}, "the server does not know this access_key"),
        ("SignatureDoesNotMatch", 403, {}, {}, "secret_key does not belong to this access_key"),
        ("RequestTimeTooSkewed", 403, {}, {}, "the clocks of this machine and of the server differ"),
        ("PermanentRedirect", 301, {"x-amz-bucket-region": "eu-west-1"}, {}, "is in region 'eu-west-1'; set region to 'eu-west-1'"),
        ("AuthorizationHeaderMalformed", 400, {}, {"Region": "home"}, "is in region 'home'; set region to 'home'"),
        ("AuthorizationHeaderMalformed", 400, {}, {}, "region 'garage' is not the server's; set region"),
        ("404", 404, {}, {}, "this is no S3 server's answer; check endpoint_url"),
        ("SlowDown", 503, {}, {}, "answers 503 SlowDown (words)"),
    ],
)  # fmt: skip
def test_only_a_proven_absence_creates(server, params, code, status, headers, error, words):
    refuse(server, "list_objects_v2", code, status, headers=headers, **error)
    with pytest.raises(S3Error) as caught:
        _s3_bucket.converge(params, False)
    assert words in str(caught.value)
    assert str(caught.value).endswith(".")


def test_a_proven_absence_creates_in_the_region(server, params):
    refuse(server, "list_objects_v2", "NoSuchBucket", 404)
    server.add_response(
        "create_bucket", {}, {"Bucket": "results", "CreateBucketConfiguration": {"LocationConstraint": "garage"}}
    )
    result = _s3_bucket.converge(params, False)
    assert (result["changed"], result["diff"]["after"]) == (True, {"bucket": "results"})


def test_somebody_was_faster_with_our_keys(server, params):
    refuse(server, "list_objects_v2", "NoSuchBucket", 404)
    refuse(server, "create_bucket", "BucketAlreadyOwnedByYou", 409)
    assert _s3_bucket.converge(params, False)["changed"]


def test_somebody_else_owns_the_name(server, params):
    refuse(server, "list_objects_v2", "NoSuchBucket", 404)
    refuse(server, "create_bucket", "BucketAlreadyExists", 409)
    with pytest.raises(S3Error, match="somebody else owns a bucket of this name"):
        _s3_bucket.converge(params, False)


def test_check_mode_creates_nothing(server, params):
    refuse(server, "list_objects_v2", "NoSuchBucket", 404)
    params["tags"] = {"a": 1}
    result = _s3_bucket.converge(params, True)
    assert result["diff"] == {
        "before": {"bucket": None, "tags": {}},
        "after": {"bucket": "results", "tags": {"a": "1"}},
    }


def test_all_that_the_server_lacks_is_told_before_anything_is_changed(server, params):
    params.update(tags={"a": "b"}, cors=[], encryption="AES256", versioning="suspended")
    server.add_response("list_objects_v2", {})
    server.add_response("get_bucket_versioning", {})
    refuse(server, "list_object_versions", "NotImplemented", 501)
    refuse(server, "get_bucket_encryption", "NotImplemented", 501)
    server.add_response("get_bucket_cors", {"CORSRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}]})
    refuse(server, "get_bucket_tagging", "MethodNotAllowed", 405)
    with pytest.raises(S3Error) as caught:
        _s3_bucket.converge(params, False)
    assert "encryption is set for bucket 'results', but the server does not have it" in str(caught.value)
    assert "tags is set for bucket 'results', but the server does not have it" in str(caught.value)
    assert "versioning" not in str(caught.value)


def test_a_value_that_the_server_drops_is_an_error(server, params):
    params["tags"] = {"a": "b"}
    server.add_response("list_objects_v2", {})
    server.add_response("get_bucket_tagging", {"TagSet": [{"Key": "aws:x", "Value": "y"}]})
    server.add_response("put_bucket_tagging", {})
    server.add_response("get_bucket_tagging", {"TagSet": []})
    with pytest.raises(S3Error, match=r'it has \{\} instead of \{"a": "b"\}'):
        _s3_bucket.converge(params, False)


def test_a_value_that_comes_late_is_waited_for(server, params, monkeypatch):
    monkeypatch.setattr(_s3_bucket, "SETTLE_SECONDS", 30.0)
    params["versioning"] = "enabled"
    server.add_response("list_objects_v2", {})
    server.add_response("get_bucket_versioning", {"Status": "Suspended"})
    server.add_response("put_bucket_versioning", {})
    server.add_response("get_bucket_versioning", {"Status": "Suspended"})
    server.add_response("get_bucket_versioning", {"Status": "Enabled"})
    assert _s3_bucket.converge(params, False)["changed"]


@pytest.mark.parametrize(
    ("versions", "uploads", "words"),
    [
        ({"DeleteMarkers": [{"Key": "old"}]}, {}, "old versions of objects, such as 'old'"),
        ({}, {"Uploads": [{"Key": "big"}]}, "unfinished uploads, such as 'big'"),
    ],
)
def test_what_cannot_be_seen_by_listing_also_keeps_a_bucket(server, params, versions, uploads, words):
    params["state"] = "absent"
    server.add_response("list_objects_v2", {})
    server.add_response("list_objects_v2", {})
    server.add_response("list_object_versions", versions)
    if not versions:
        server.add_response("list_multipart_uploads", uploads)
    with pytest.raises(S3Error, match=words):
        _s3_bucket.converge(params, False)


def test_no_server(params, monkeypatch):
    client = s3_client(params)

    def fail(**arguments):
        raise EndpointConnectionError(endpoint_url=ENDPOINT)

    monkeypatch.setattr(client, "list_objects_v2", fail)
    with pytest.raises(S3Error, match=f"^{ENDPOINT} does not answer; check endpoint_url"):
        Bucket(client, "results", params).exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"name": "Results"}, "name is 'Results'; a bucket has 3 to 63"),
        ({"endpoint_url": "garage:3900"}, "endpoint_url is 'garage:3900'; write http://HOST:PORT"),
        ({"public_read_prefixes": ["a/"]}, "public_read_prefixes is set without public_read"),
        ({"policy": "{"}, "policy is not JSON"),
        ({"policy": "[]"}, "policy is not a mapping"),
        ({"lifecycle": [{"id": ""}]}, "lifecycle, rule ''"),
    ],
)
def test_what_cannot_be_meant_is_one_sentence(params, options, words):
    assert words in _s3_bucket.problem({**params, **options})


def test_what_can_be_meant(params):
    assert _s3_bucket.problem({**params, "policy": "{}", "lifecycle": [], "cors": []}) is None
