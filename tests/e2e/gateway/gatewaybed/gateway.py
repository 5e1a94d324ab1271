# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The reference gateway, started as its container starts it."""

import sys
from pathlib import Path

import httpx

from gatewaybed.process import Process, answers, bare_environment

SOURCE = Path(__file__).resolve().parents[4] / "roles" / "gateway" / "files" / "reference"


class Gateway:
    """One process; `client` speaks to it, with the key when there is one."""

    def __init__(self, folder: Path, port: int, environment: dict[str, str], key: str = "") -> None:
        folder.mkdir(exist_ok=True)
        self.url = f"http://127.0.0.1:{port}"
        self.process = Process(
            [sys.executable, "-m", "reference_gateway", "--host", "127.0.0.1", "--port", str(port)],
            folder / f"gateway-{port}.log",
            bare_environment(PYTHONPATH=str(SOURCE), PYTHONDONTWRITEBYTECODE="1", **environment),
            lambda: answers(f"{self.url}/api/v1/auth/config"),
        )
        headers = {"X-API-Key": key} if key else {}
        self.client = httpx.Client(base_url=self.url, timeout=30, headers=headers, trust_env=False)

    @property
    def log(self) -> str:
        """Everything it has said."""
        return self.process.log.read_text()

    def submit(self, pdf: bytes, name: str = "test.pdf") -> httpx.Response:
        """Hand in a document."""
        return self.client.post("/api/v1/documents/submit", files={"file": (name, pdf, "application/pdf")})

    def job(self, job_id: str) -> dict:
        """A document's state."""
        answer = self.client.get(f"/api/v1/documents/{job_id}")
        answer.raise_for_status()
        return answer.json()

    def stop(self) -> int:
        """End it as Docker does."""
        self.client.close()
        return self.process.stop()
