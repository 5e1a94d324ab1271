# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Looks at and fills a bucket without any code of the collection: s3.py show|put|delete|block BUCKET [KEY].

The server comes from the environment: S3_ENDPOINT, S3_REGION, S3_ACCESS_KEY, S3_SECRET_KEY. `show` prints what the
server itself says of each configuration as JSON; what it does not have or does not know is null.
"""

from __future__ import annotations

import json
import os
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

PARTS = {
    "lifecycle": ("get_bucket_lifecycle_configuration", "Rules"),
    "cors": ("get_bucket_cors", "CORSRules"),
    "versioning": ("get_bucket_versioning", "Status"),
    "encryption": ("get_bucket_encryption", "ServerSideEncryptionConfiguration"),
    "policy": ("get_bucket_policy", "Policy"),
    "tags": ("get_bucket_tagging", "TagSet"),
    "block": ("get_public_access_block", "PublicAccessBlockConfiguration"),
}
BLOCKED = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")


def show(client, bucket):
    """Print the bucket's configuration."""
    found = {"exists": bucket in [one["Name"] for one in client.list_buckets()["Buckets"]]}
    for name, (operation, field) in PARTS.items():
        try:
            found[name] = getattr(client, operation)(Bucket=bucket).get(field)
        except ClientError:
            found[name] = None
    print(json.dumps(found))


def main(verb, bucket, key=""):
    """Do one thing."""
    client = boto3.client(
        "s3",
        endpoint_url=os.environ["S3_ENDPOINT"],
        region_name=os.environ["S3_REGION"],
        aws_access_key_id=os.environ["S3_ACCESS_KEY"],
        aws_secret_access_key=os.environ["S3_SECRET_KEY"],
        config=Config(s3={"addressing_style": "path"}),
    )
    if verb == "show":
        show(client, bucket)
    elif verb == "put":
        client.put_object(Bucket=bucket, Key=key, Body=b"content")
    elif verb == "delete":
        client.delete_object(Bucket=bucket, Key=key)
    elif verb == "block":
        client.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=dict.fromkeys(BLOCKED, True))


if __name__ == "__main__":
    main(*sys.argv[1:])
