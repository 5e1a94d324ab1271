# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A provider process, and a gateway whose environment is made from the variables of the role auth."""

import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent / "gateway"))

from gatewaybed.gateway import Gateway  # noqa: E402
from oidcbed import GATEWAY_PORT, NOBODY_PORT, Identity  # noqa: E402

from ansible_collections.selfhost.aistack.plugins.plugin_utils.auth_environment import environment  # noqa: E402


@pytest.fixture(scope="session")
def identity(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Identity]:
    """The provider."""
    provider = Identity(tmp_path_factory.mktemp("identity"))
    yield provider
    provider.process.kill()


@pytest.fixture(scope="session")
def gateway(identity: Identity, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """The gateway. Nobody signs in with the help of Redis or S3, so there is none."""
    nobody = f"127.0.0.1:{NOBODY_PORT}"
    stores = {"REDIS_URL": f"redis://{nobody}/0", "AWS_ENDPOINT_URL_S3": f"http://{nobody}"}
    auth = environment(identity.settings(), {})
    process = Gateway(tmp_path_factory.mktemp("gateway"), GATEWAY_PORT, {**stores, **auth})
    yield process
    process.process.kill()


@pytest.fixture
def browser() -> Iterator[httpx.Client]:
    """Keeps cookies and follows redirects."""
    with httpx.Client(follow_redirects=True, timeout=30, trust_env=False) as client:
        yield client
