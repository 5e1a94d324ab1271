# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Garage with a temp and a results bucket."""

import os
import secrets
import shutil
import subprocess
import sys
from pathlib import Path

from gatewaybed.process import Process, answers, bare_environment

TESTBED = Path(__file__).resolve().parents[3] / "testbed"
TEMP, RESULTS = "equalify-temp", "equalify-results"

CONFIG = """
replication_factor = 1
metadata_dir = "{folder}/meta"
data_dir = "{folder}/data"
db_engine = "sqlite"
rpc_bind_addr = "127.0.0.1:{rpc}"
rpc_public_addr = "127.0.0.1:{rpc}"
rpc_secret = "{secret}"

[s3_api]
api_bind_addr = "127.0.0.1:{s3}"
s3_region = "garage"

[admin]
api_bind_addr = "127.0.0.1:{admin}"
"""


def binary() -> str:
    """AISTACK_GARAGE_BIN, PATH, or the test bed's cache."""
    given = os.environ.get("AISTACK_GARAGE_BIN") or shutil.which("garage")
    if given:
        return given
    sys.path.insert(0, str(TESTBED))
    from bedlib.binaries import GARAGE, ensure

    return str(ensure(GARAGE))


class Garage:
    """One node on three ports from `port`: S3, RPC, admin."""

    def __init__(self, folder: Path, port: int) -> None:
        folder.mkdir()
        self.folder, self.endpoint = folder, f"http://127.0.0.1:{port}"
        self.key_id, self.key = f"GK{secrets.token_hex(12)}", secrets.token_hex(32)
        self.config = folder / "garage.toml"
        self.config.write_text(
            CONFIG.format(folder=folder, s3=port, rpc=port + 1, admin=port + 2, secret=secrets.token_hex(32))
        )
        self.admin = f"http://127.0.0.1:{port + 2}/health"
        self.start()
        self._command("bucket", "create", RESULTS)
        self._command("bucket", "allow", "--read", "--write", "--owner", RESULTS, "--key", self.key_id)

    def start(self) -> None:
        """Start it over what is there."""
        environment = bare_environment(
            GARAGE_DEFAULT_ACCESS_KEY=self.key_id, GARAGE_DEFAULT_SECRET_KEY=self.key, GARAGE_DEFAULT_BUCKET=TEMP
        )
        command = [binary(), "-c", str(self.config), "server", "--single-node", "--default-bucket"]
        self.process = Process(
            command, self.folder / "log", environment, lambda: answers(self.admin) and answers(self.endpoint)
        )

    def stop(self) -> None:
        """End it at once, without the ten seconds that it takes to say goodbye; the data stays."""
        self.process.kill()

    def _command(self, *words: str) -> None:
        command = [binary(), "-c", str(self.config), *words]
        subprocess.run(command, check=True, capture_output=True, env=bare_environment())

    @property
    def environment(self) -> dict[str, str]:
        """What an S3 client needs to know."""
        return {
            "AWS_ENDPOINT_URL_S3": self.endpoint,
            "AWS_REGION": "garage",
            "AWS_ACCESS_KEY_ID": self.key_id,
            "AWS_SECRET_ACCESS_KEY": self.key,
            "AWS_EC2_METADATA_DISABLED": "true",
        }
