# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real Garage of one node with a bucket for results, which is a website, and one for temporary files, which is too.

The second bucket is a website on purpose: the only thing between it and the outside is then Caddy's route.
"""

from __future__ import annotations

import os
import secrets
import subprocess
from pathlib import Path

import boto3
from botocore.config import Config

from .net import LOOPBACK, free_port, listens, wait_until
from .programs import program

ROOT = ".web.garage"
RESULTS, TEMP = "reflow-results", "reflow-temp"

_CONFIG = """
metadata_dir = "{folder}/meta"
data_dir = "{folder}/data"
db_engine = "sqlite"
replication_factor = 1
rpc_bind_addr = "{host}:{rpc}"
rpc_public_addr = "{host}:{rpc}"
rpc_secret = "{secret}"

[s3_api]
s3_region = "garage"
api_bind_addr = "{host}:{s3}"
root_domain = ".s3.garage"

[s3_web]
bind_addr = "{host}:{web}"
root_domain = "{root}"
"""


class Garage:
    """The node; `web` is the port of its website endpoint, `client` an S3 client with a key for both buckets."""

    def __init__(self, folder: Path):
        self.s3, self.web, rpc = free_port(), free_port(), free_port()
        self._config = folder / "garage.toml"
        settings = {"folder": folder, "host": LOOPBACK, "root": ROOT, "s3": self.s3, "web": self.web, "rpc": rpc}
        self._config.write_text(_CONFIG.format(secret=secrets.token_hex(32), **settings))
        key, secret = "GK" + secrets.token_hex(12), secrets.token_hex(32)
        made = {"GARAGE_DEFAULT_ACCESS_KEY": key, "GARAGE_DEFAULT_SECRET_KEY": secret, "GARAGE_DEFAULT_BUCKET": RESULTS}
        output = (folder / "output").open("wb")
        command = [program("garage"), "-c", str(self._config), "server", "--single-node", "--default-bucket"]
        self._process = subprocess.Popen(command, env={**os.environ, **made}, stdout=output, stderr=output)
        wait_until("Garage listens", lambda: listens(self.web) and listens(self.s3))
        self.client = boto3.client(
            "s3",
            endpoint_url=f"http://{LOOPBACK}:{self.s3}",
            region_name="garage",
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            config=Config(s3={"addressing_style": "path"}),
        )
        wait_until("the key and its bucket are there", self._ready)
        self._run("bucket", "create", TEMP)
        self._run("bucket", "allow", "--read", "--write", TEMP, "--key", key)
        for bucket in (RESULTS, TEMP):
            self._run("bucket", "website", "--allow", bucket)

    def _ready(self) -> bool:
        return RESULTS in self._run("bucket", "list", check=False)

    def _run(self, *arguments: str, check: bool = True) -> str:
        command = [program("garage"), "-c", str(self._config), *arguments]
        return subprocess.run(command, check=check, capture_output=True, text=True).stdout

    def put(self, bucket: str, key: str, body: bytes, kind: str) -> None:
        self.client.put_object(
            Bucket=bucket, Key=key, Body=body, ContentType=kind, CacheControl="public, max-age=31536000"
        )

    def stop(self) -> None:
        # Killed, because nothing of it is kept and an orderly end takes 10 s.
        self._process.kill()
        self._process.wait()
