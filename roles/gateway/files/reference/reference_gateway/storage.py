# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two buckets. boto3 blocks, so every call runs in a thread."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from typing import BinaryIO
from urllib.parse import quote

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from reference_gateway.settings import Settings

STORAGE_ERRORS = (BotoCoreError, ClientError)
CHUNK = 256 * 1024


class Storage:
    """Uploads in the temp bucket, Markdown, ledger and figures in the results bucket."""

    def __init__(self, settings: Settings) -> None:
        self.temp = settings.s3_temp_bucket
        self.results = settings.s3_results_bucket
        self._public_url = settings.s3_public_url
        self._region = settings.aws_region
        if os.environ.get("AWS_PROFILE") == "":
            # The SDK takes an empty profile for the name of one and fails.
            del os.environ["AWS_PROFILE"]
        self._session = boto3.session.Session(region_name=self._region)
        self._client = self._make_client(connect=10, read=60, attempts=3)
        # A probe must answer soon, so it has a client that does not wait long and does not retry.
        self._probe = self._make_client(connect=3, read=3, attempts=1)

    def _make_client(self, *, connect: int, read: int, attempts: int):
        config = Config(
            connect_timeout=connect,
            read_timeout=read,
            max_pool_connections=50,
            retries={"mode": "adaptive" if attempts > 1 else "standard", "total_max_attempts": attempts},
        )
        # The endpoint and the keys come from AWS_ENDPOINT_URL_S3 and the other AWS_* names, which boto3 reads itself.
        return self._session.client("s3", config=config)

    def public_url(self, key: str) -> str:
        """Where a browser finds an object of the results bucket."""
        if self._public_url:
            return f"{self._public_url}/{self.results}/{quote(key)}"
        return f"https://{self.results}.s3.{self._region}.amazonaws.com/{quote(key)}"

    async def usable(self, bucket: str) -> bool:
        """Whether the bucket is there and these keys may see it."""
        try:
            await asyncio.to_thread(self._probe.head_bucket, Bucket=bucket)
        except STORAGE_ERRORS:
            return False
        return True

    async def until_usable(self) -> None:
        """Wait until both buckets answer."""
        while not (await self.usable(self.temp) and await self.usable(self.results)):
            await asyncio.sleep(1)

    async def put_upload(self, key: str, file: BinaryIO) -> None:
        """Store an uploaded PDF."""
        extra = {"ContentType": "application/pdf"}
        await asyncio.to_thread(self._client.upload_fileobj, file, self.temp, key, ExtraArgs=extra)

    async def get_upload(self, key: str, file: BinaryIO) -> None:
        """Read an uploaded PDF into a file."""
        await asyncio.to_thread(self._client.download_fileobj, self.temp, key, file)

    async def put_result(self, key: str, body: bytes, content_type: str) -> None:
        """Store an object of the results bucket. Its name is used once, so it may be cached by the reader's browser."""
        await asyncio.to_thread(
            self._client.put_object,
            Bucket=self.results,
            Key=key,
            Body=body,
            ContentType=content_type,
            CacheControl="private, max-age=31536000, immutable",
        )

    async def read_result(self, key: str) -> AsyncIterator[bytes]:
        """The object's bytes in pieces. Raises before the first piece when it is not there."""
        answer = await asyncio.to_thread(self._client.get_object, Bucket=self.results, Key=key)
        return _pieces(answer["Body"])

    async def old_uploads(self, before: datetime) -> list[str]:
        """Keys below temp/ that were written before a moment."""
        return await asyncio.to_thread(lambda: list(self._old_uploads(before)))

    def _old_uploads(self, before: datetime) -> Iterator[str]:
        for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=self.temp, Prefix="temp/"):
            yield from (item["Key"] for item in page.get("Contents", ()) if item["LastModified"] < before)

    async def delete_upload(self, key: str) -> None:
        """Remove an upload."""
        await asyncio.to_thread(self._client.delete_object, Bucket=self.temp, Key=key)


async def _pieces(body) -> AsyncIterator[bytes]:
    try:
        while piece := await asyncio.to_thread(body.read, CHUNK):
            yield piece
    finally:
        body.close()


def is_missing(error: Exception) -> bool:
    """Whether the store said that there is no such object."""
    return isinstance(error, ClientError) and error.response.get("Error", {}).get("Code") in ("404", "NoSuchKey")
