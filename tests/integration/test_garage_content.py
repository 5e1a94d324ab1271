# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A bucket of a real Garage that holds something is kept, and grants mean what they say over S3.

Needs AISTACK_GARAGE_BIN. Takes four loopback ports from AISTACK_GARAGE_PORT (20300).
"""

from __future__ import annotations

import importlib.util
import os
import secrets
import time
from pathlib import Path

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from ansible_collections.selfhost.aistack.plugins.module_utils._garage import GarageClient, GarageError
from ansible_collections.selfhost.aistack.plugins.module_utils._garage_bucket import (
    ensure_bucket,
    find_bucket,
    remove_bucket,
)
from ansible_collections.selfhost.aistack.plugins.module_utils._garage_key import ensure_key
from ansible_collections.selfhost.aistack.plugins.module_utils._garage_layout import (
    LayoutPlan,
    await_partitions,
    converge_layout,
    resolve_self,
)

COUNT_PATIENCE_S = 30
KEY, SECRET = "GK" + secrets.token_hex(12), secrets.token_hex(32)


def _fixture_file():
    spec = importlib.util.spec_from_file_location("garage", Path(__file__).with_name("garage.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def garage():
    with _fixture_file().running_garage(int(os.environ.get("AISTACK_GARAGE_PORT", "20300"))) as described:
        yield described


@pytest.fixture(scope="module")
def client(garage):
    client = GarageClient(garage["garage_endpoint"], garage["garage_admin_token"])
    role = resolve_self(client, {None: {"zone": "home", "capacity": 10**9, "tags": []}})
    converge_layout(client, LayoutPlan(client.get("GetClusterLayout"), role, None, False), 10)
    await_partitions(client, 30)
    ensure_key(client, KEY, SECRET, "content", False)
    return client


@pytest.fixture(scope="module")
def s3(garage):
    return boto3.client(
        "s3",
        endpoint_url=garage["s3_endpoint"],
        region_name="garage",
        aws_access_key_id=KEY,
        aws_secret_access_key=SECRET,
        config=Config(s3={"addressing_style": "path"}),
    )


def grants(*flags):
    return {"grants": {KEY: list(flags)}}


def await_counted(client, bucket, number):
    """Wait until Garage's counters, which run behind, show so many objects and uploads."""
    deadline = time.monotonic() + COUNT_PATIENCE_S
    while True:
        info = find_bucket(client, bucket)
        if info["objects"] + info["unfinishedUploads"] == number:
            return
        assert time.monotonic() < deadline, info
        time.sleep(0.1)


def test_a_bucket_with_an_object_is_kept(client, s3):
    ensure_bucket(client, "with-object", grants("read", "write"))
    s3.put_object(Bucket="with-object", Key="one", Body=b"1")
    with pytest.raises(GarageError, match="Bucket with-object is not empty"):
        remove_bucket(client, "with-object")
    assert s3.get_object(Bucket="with-object", Key="one")["Body"].read() == b"1"
    s3.delete_object(Bucket="with-object", Key="one")
    await_counted(client, "with-object", 0)
    assert remove_bucket(client, "with-object").changed


def test_a_bucket_with_an_unfinished_upload_is_kept(client, s3):
    ensure_bucket(client, "with-upload", grants("read", "write"))
    upload = s3.create_multipart_upload(Bucket="with-upload", Key="big")["UploadId"]
    await_counted(client, "with-upload", 1)
    with pytest.raises(GarageError, match="1 unfinished uploads"):
        remove_bucket(client, "with-upload")
    s3.abort_multipart_upload(Bucket="with-upload", Key="big", UploadId=upload)
    await_counted(client, "with-upload", 0)
    assert remove_bucket(client, "with-upload").changed


def test_a_narrowed_grant_takes_effect(client, s3):
    ensure_bucket(client, "narrowed", grants("read", "write"))
    s3.put_object(Bucket="narrowed", Key="one", Body=b"1")
    ensure_bucket(client, "narrowed", grants("read"))
    assert s3.get_object(Bucket="narrowed", Key="one")["Body"].read() == b"1"
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.put_object(Bucket="narrowed", Key="two", Body=b"2")
