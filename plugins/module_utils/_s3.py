# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One bucket of an S3 server through boto3, with errors as sentences.

Private to the collection.
"""

from __future__ import annotations

import re
import traceback

try:
    import boto3
    from botocore.config import Config
    from botocore.exceptions import (
        BotoCoreError,
        ClientError,
        ConnectionClosedError,
        ConnectTimeoutError,
        EndpointConnectionError,
        NoCredentialsError,
        ReadTimeoutError,
        SSLError,
    )

    BOTO3_PROBLEM = None
except ImportError:
    BOTO3_PROBLEM = traceback.format_exc()

BUCKET_NAME = re.compile(r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")
UNSUPPORTED_CODES = ("NotImplemented", "MethodNotAllowed", "NotSupported", "UnsupportedOperation", "501", "405")
REGION_CODES = (
    "PermanentRedirect",
    "TemporaryRedirect",
    "301",
    "AuthorizationHeaderMalformed",
    "IllegalLocationConstraintException",
    "InvalidLocationConstraint",
    "InvalidRegionName",
)
# What to do about the codes that speak of the keys themselves.
KEY_CODES = {
    "InvalidAccessKeyId": "the server does not know this access_key; check it, and endpoint_url",
    "SignatureDoesNotMatch": "secret_key does not belong to this access_key; correct it",
    "ExpiredToken": "session_token has expired; get new keys",
    "InvalidToken": "session_token is not valid; get new keys",
    "RequestTimeTooSkewed": "the clocks of this machine and of the server differ by more than 15 minutes; set them",
}


class S3Error(Exception):
    """The server refused or could not be asked; the text is one sentence. `code` is S3's own, or empty."""

    def __init__(self, message, code="", status=0):
        super().__init__(message)
        self.code = code
        self.status = status
        self.unsupported = code in UNSUPPORTED_CODES or status in (405, 501)


def s3_argument_spec():
    """The options that say which server to ask, and with which keys."""
    return {
        "endpoint_url": {"type": "str"},
        "region": {"type": "str", "required": True},
        "access_key": {"type": "str", "no_log": False},
        "secret_key": {"type": "str", "no_log": True},
        "session_token": {"type": "str", "no_log": True},
        "ca_file": {"type": "path"},
        "addressing_style": {"type": "str", "choices": ["auto", "path", "virtual"], "default": "auto"},
        "checksums": {"type": "str", "choices": ["when_supported", "when_required"], "default": "when_supported"},
    }


def s3_client(params):
    """A boto3 client for the options of s3_argument_spec(); S3Error where they cannot be used."""
    options = {
        "signature_version": "s3v4",
        "s3": {"addressing_style": params["addressing_style"]},
        "retries": {"mode": "standard", "total_max_attempts": 3},
        "connect_timeout": 10,
        "read_timeout": 60,
    }
    # Releases before 1.36 do not know these options, and do what when_required asks for.
    if hasattr(Config, "OPTION_DEFAULTS") and "request_checksum_calculation" in Config.OPTION_DEFAULTS:
        options["request_checksum_calculation"] = params["checksums"]
        options["response_checksum_validation"] = params["checksums"]
    try:
        client = boto3.client(
            "s3",
            endpoint_url=params["endpoint_url"],
            region_name=params["region"],
            aws_access_key_id=params["access_key"],
            aws_secret_access_key=params["secret_key"],
            aws_session_token=params["session_token"],
            verify=params["ca_file"] or None,
            config=Config(**options),
        )
    except (BotoCoreError, ValueError) as exc:
        raise S3Error(
            f"endpoint_url is '{params['endpoint_url']}' and region '{params['region']}', which cannot be used ({exc})."
        ) from exc
    client.meta.events.register_last("before-parameter-build.s3", _stay_in_region)
    return client


def _stay_in_region(context, **kwargs):
    """Keep botocore from quietly asking again in another region: a wrong region is to be told, not worked around."""
    if "s3_redirect" in context:
        context["s3_redirect"]["redirected"] = True


class Bucket:
    """One bucket by name; every request goes through call()."""

    def __init__(self, client, name, params):
        self.name = name
        self.region = params["region"]
        self._client = client
        self._endpoint = params["endpoint_url"] or f"AWS in {params['region']}"
        self._ca_file = params["ca_file"]

    def call(self, operation, **arguments):
        """One operation of the client on this bucket; its answer, or S3Error."""
        try:
            answer = getattr(self._client, operation)(Bucket=self.name, **arguments)
        except ClientError as exc:
            raise self._refusal(operation, exc.response) from exc
        except NoCredentialsError as exc:
            raise S3Error("No keys for S3 are given or found; set access_key and secret_key.") from exc
        except SSLError as exc:
            raise S3Error(
                f"TLS with {self._endpoint} failed ({exc.kwargs['error']}); check that it speaks https, and that ca_file"
                f" (now '{self._ca_file or ''}') has its authority's certificate."
            ) from exc
        except (EndpointConnectionError, ConnectionClosedError, ConnectTimeoutError, ReadTimeoutError) as exc:
            raise S3Error(f"{self._endpoint} does not answer; check endpoint_url, and that the server runs.") from exc
        except BotoCoreError as exc:
            raise S3Error(f"{operation} of bucket '{self.name}' at {self._endpoint} failed ({exc}).") from exc
        answer.pop("ResponseMetadata", None)
        return answer

    def exists(self):
        """Whether the bucket is there and ours to look at; anything but a proven yes or no is an S3Error.

        Listing is used and not HeadBucket: the answer to HEAD has no body, so that a 404 of some web server could not be
        told from the one that says there is no such bucket, and a 403 would have no reason.
        """
        try:
            self.call("list_objects_v2", MaxKeys=1)
        except S3Error as exc:
            if exc.code == "NoSuchBucket":
                return False
            raise
        return True

    def create(self):
        """Create the bucket; one that came into being meanwhile and is ours is as good."""
        arguments = {}
        if self.region != "us-east-1":  # AWS refuses to be told its own default
            arguments["CreateBucketConfiguration"] = {"LocationConstraint": self.region}
        try:
            self.call("create_bucket", **arguments)
        except S3Error as exc:
            if exc.code != "BucketAlreadyOwnedByYou":
                raise

    def contents(self):
        """What keeps the bucket from being empty, as a phrase, or None."""
        for operation, limit, found, what in (
            ("list_objects_v2", "MaxKeys", ("Contents",), "objects"),
            ("list_object_versions", "MaxKeys", ("Versions", "DeleteMarkers"), "old versions of objects"),
            ("list_multipart_uploads", "MaxUploads", ("Uploads",), "unfinished uploads"),
        ):
            try:
                answer = self.call(operation, **{limit: 1})
            except S3Error as exc:
                if not exc.unsupported:
                    raise
                continue
            for field in found:
                if answer.get(field):
                    return f"{what}, such as '{answer[field][0]['Key']}'"
        return None

    def _refusal(self, operation, response):
        error, meta = response.get("Error", {}), response.get("ResponseMetadata", {})
        code, status = str(error.get("Code", "")), meta.get("HTTPStatusCode", 0)
        text = " ".join(str(error.get("Message", "")).split())
        headers = meta.get("HTTPHeaders", {})
        region = headers.get("x-amz-bucket-region") or error.get("Region")
        answer = f"{self._endpoint} answers {status} {code} ({text}) to {operation} of bucket '{self.name}'"
        if code in REGION_CODES:
            if region and region != self.region:
                told = (
                    f"region is '{self.region}', but bucket '{self.name}' at {self._endpoint} is in region '{region}'"
                )
                return S3Error(f"{told}; set region to '{region}'.", code, status)
            return S3Error(f"{answer}: region '{self.region}' is not the server's; set region.", code, status)
        if code in KEY_CODES:
            return S3Error(f"{answer}: {KEY_CODES[code]}.", code, status)
        if code == "BucketAlreadyExists":
            return S3Error(f"{answer}: somebody else owns a bucket of this name; choose another name.", code, status)
        if status == 403:
            return S3Error(
                f"{answer}: either these keys are not known or may not do this, or the bucket belongs to somebody else;"
                " correct the keys, grant them the right, or choose another name.",
                code,
                status,
            )
        if code in ("", str(status)):
            return S3Error(f"{answer}: this is no S3 server's answer; check endpoint_url.", code, status)
        return S3Error(f"{answer}.", code, status)
