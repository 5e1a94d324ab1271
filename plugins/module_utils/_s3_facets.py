# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The facets of a bucket, as a table: how each is read, compared, written and cleared.

Private to the collection.

A facet has a value of one form, whether it comes from the module's options (`wanted`) or from the server (`present`), so
that the two can be compared. Its `empty` value is what a bucket has where nothing was ever configured.
"""

from __future__ import annotations

import json

from ansible_collections.selfhost.aistack.plugins.module_utils._s3 import S3Error
from ansible_collections.selfhost.aistack.plugins.module_utils._s3_policy import (
    normal_policy,
    public_patterns,
    with_public_patterns,
)
from ansible_collections.selfhost.aistack.plugins.module_utils._s3_rules import (
    cors_document,
    lifecycle_document,
    present_cors,
    present_lifecycle,
    wanted_cors,
    wanted_lifecycle,
)


class UnsupportedError(Exception):
    """The server does not have the facet; the text is the server's answer."""


class Facet:
    """One row of the table. The functions take the Bucket, and the options as they were given."""

    def __init__(self, name, empty, absent, wanted, read, write, clear):
        self.name = name
        self.empty = empty
        self._absent = absent
        self._wanted = wanted
        self._read = read
        self._write = write
        self._clear = clear

    def asked(self, params):
        """Whether the options speak of this facet."""
        return params[self.name] is not None

    def wanted(self, params):
        """The value that the options ask for."""
        return self._wanted(params)

    def present(self, bucket):
        """The value that the bucket has; UnsupportedError where the server knows no such thing."""
        try:
            return self._read(bucket)
        except S3Error as exc:
            if exc.code == self._absent:
                return self.empty
            if exc.unsupported:
                raise UnsupportedError(str(exc)) from exc
            raise

    def apply(self, bucket, params):
        """Give the bucket the wanted value; UnsupportedError where the server refuses the very operation."""
        try:
            if self.wanted(params) == self.empty:
                self._clear(bucket)
            else:
                self._write(bucket, params)
        except S3Error as exc:
            if exc.unsupported:
                raise UnsupportedError(str(exc)) from exc
            raise


# versioning


def _read_versioning(bucket):
    status = bucket.call("get_bucket_versioning").get("Status")
    if status is None:
        # A server without versions may answer this question all the same; it cannot list versions, though.
        try:
            bucket.call("list_object_versions", MaxKeys=1)
        except S3Error as exc:
            if exc.status != 403:  # keys that may not list versions say nothing about the server
                raise
    return (status or "Suspended").lower()


def _set_versioning(status):
    return lambda bucket, params=None: bucket.call("put_bucket_versioning", VersioningConfiguration={"Status": status})


# encryption


def _read_encryption(bucket):
    rules = bucket.call("get_bucket_encryption")["ServerSideEncryptionConfiguration"]["Rules"]
    return rules[0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] if rules else "none"


def _write_encryption(bucket, params):
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": params["encryption"]}}
    bucket.call("put_bucket_encryption", ServerSideEncryptionConfiguration={"Rules": [rule]})


# policy and public read, which share one document


def _document(bucket):
    try:
        return json.loads(bucket.call("get_bucket_policy")["Policy"])
    except S3Error as exc:
        if exc.code == "NoSuchBucketPolicy":
            return {}
        raise


def _put_policy(bucket, document):
    if document:
        bucket.call("put_bucket_policy", Policy=json.dumps(document))
    else:
        bucket.call("delete_bucket_policy")


def _block(bucket):
    """The public access block of AWS, which overrides any policy; {} where there is none or no such thing."""
    try:
        return bucket.call("get_public_access_block")["PublicAccessBlockConfiguration"]
    except S3Error as exc:
        if exc.unsupported or exc.code == "NoSuchPublicAccessBlockConfiguration":
            return {}
        raise


def _patterns(params):
    if not params["public_read"]:
        return []
    return sorted({f"{prefix}*" for prefix in params["public_read_prefixes"] or [""]})


def _read_public(bucket):
    patterns = public_patterns(_document(bucket), bucket.name)
    blocked = patterns and _block(bucket).get("RestrictPublicBuckets")
    return [f"{pattern} (blocked)" for pattern in patterns] if blocked else patterns


def _write_public(bucket, params):
    block = _block(bucket)
    if block.get("BlockPublicPolicy") or block.get("RestrictPublicBuckets"):
        block = dict(block, BlockPublicPolicy=False, RestrictPublicBuckets=False)
        bucket.call("put_public_access_block", PublicAccessBlockConfiguration=block)
    _put_policy(bucket, with_public_patterns(_document(bucket), bucket.name, bucket.region, _patterns(params)))


def _clear_public(bucket):
    _put_policy(bucket, with_public_patterns(_document(bucket), bucket.name, bucket.region, []))


# tags


def _read_tags(bucket):
    # Tags named aws:... are the provider's own and cannot be changed.
    tags = {tag["Key"]: tag["Value"] for tag in bucket.call("get_bucket_tagging")["TagSet"]}
    return {key: value for key, value in tags.items() if not key.startswith("aws:")}


def _wanted_tags(params):
    return {str(key): str(value) for key, value in params["tags"].items()}


def _write_tags(bucket, params):
    tags = [{"Key": key, "Value": value} for key, value in sorted(_wanted_tags(params).items())]
    bucket.call("put_bucket_tagging", Tagging={"TagSet": tags})


# In the order in which they are applied: versions before the rules that speak of them.
FACETS = [
    Facet(
        "versioning",
        empty="suspended",
        absent="",
        wanted=lambda params: params["versioning"],
        read=_read_versioning,
        write=_set_versioning("Enabled"),
        clear=_set_versioning("Suspended"),
    ),
    Facet(
        "encryption",
        empty="none",
        absent="ServerSideEncryptionConfigurationNotFoundError",
        wanted=lambda params: params["encryption"],
        read=_read_encryption,
        write=_write_encryption,
        clear=lambda bucket: bucket.call("delete_bucket_encryption"),
    ),
    Facet(
        "lifecycle",
        empty={},
        absent="NoSuchLifecycleConfiguration",
        wanted=lambda params: wanted_lifecycle(params["lifecycle"]),
        read=lambda bucket: present_lifecycle(bucket.call("get_bucket_lifecycle_configuration").get("Rules", [])),
        write=lambda bucket, params: bucket.call(
            "put_bucket_lifecycle_configuration",
            LifecycleConfiguration=lifecycle_document(wanted_lifecycle(params["lifecycle"])),
        ),
        clear=lambda bucket: bucket.call("delete_bucket_lifecycle"),
    ),
    Facet(
        "cors",
        empty=[],
        absent="NoSuchCORSConfiguration",
        wanted=lambda params: wanted_cors(params["cors"]),
        read=lambda bucket: present_cors(bucket.call("get_bucket_cors").get("CORSRules", [])),
        write=lambda bucket, params: bucket.call("put_bucket_cors", CORSConfiguration=cors_document(params["cors"])),
        clear=lambda bucket: bucket.call("delete_bucket_cors"),
    ),
    Facet(
        "policy",
        empty={},
        absent="NoSuchBucketPolicy",
        wanted=lambda params: normal_policy(json.loads(params["policy"])),
        read=lambda bucket: normal_policy(_document(bucket)),
        write=lambda bucket, params: _put_policy(bucket, json.loads(params["policy"])),
        clear=lambda bucket: _put_policy(bucket, {}),
    ),
    Facet(
        "public_read",
        empty=[],
        absent="NoSuchBucketPolicy",
        wanted=_patterns,
        read=_read_public,
        write=_write_public,
        clear=_clear_public,
    ),
    Facet(
        "tags",
        empty={},
        absent="NoSuchTagSet",
        wanted=_wanted_tags,
        read=_read_tags,
        write=_write_tags,
        clear=lambda bucket: bucket.call("delete_bucket_tagging"),
    ),
]
