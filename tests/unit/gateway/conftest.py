# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The reference gateway as an application without its network: no Redis, no bucket, no converter is asked here."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[3] / "roles" / "gateway" / "files" / "reference"
sys.path.insert(0, str(SOURCE))
sys.path.insert(0, str(Path(__file__).parent))

from reference_gateway.app import create_app  # noqa: E402
from reference_gateway.settings import Settings, load  # noqa: E402
from starlette.testclient import TestClient  # noqa: E402

S3 = {
    "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:1",
    "AWS_ACCESS_KEY_ID": "key",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_EC2_METADATA_DISABLED": "true",
}


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Settings]:
    """Reads settings from an environment that holds these variables only."""

    def read(**variables: str) -> Settings:
        for name in Settings.model_fields:
            monkeypatch.delenv(name.upper(), raising=False)
        for name, value in {**S3, **variables}.items():
            monkeypatch.setenv(name, value)
        return load()

    return read


@pytest.fixture
def client(settings: Callable[..., Settings]) -> Callable[..., TestClient]:
    """A client of an application with these settings, behind an edge that speaks HTTPS for site.test."""

    def make(**variables: str) -> TestClient:
        app = create_app(settings(REDIS_URL="redis://127.0.0.1:1", **variables))
        edge = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.7", "Host": "site.test"}
        return TestClient(app, base_url="https://site.test", headers=edge)

    return make
