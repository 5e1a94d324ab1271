# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Redis and Garage of the session, gateways of the test."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1]))

from gatewaybed import docling_double  # noqa: E402
from gatewaybed.garage import Garage  # noqa: E402
from gatewaybed.gateway import Gateway  # noqa: E402
from gatewaybed.process import Process, answers, bare_environment  # noqa: E402
from gatewaybed.redis_server import RedisServer  # noqa: E402

REDIS_PORT, DOUBLE_PORT, GATEWAY_PORT, GARAGE_PORT = 20200, 20210, 20220, 20250
KEY = "a-key-for-tests-only"


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A real Redis."""
    server = RedisServer(tmp_path_factory.mktemp("redis") / "data", REDIS_PORT)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def garage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Garage]:
    """A real Garage."""
    server = Garage(tmp_path_factory.mktemp("garage") / "data", GARAGE_PORT)
    yield server
    server.stop()


class DoublesHouse:
    """Starts and stops the double of docling-serve."""

    url = f"http://127.0.0.1:{DOUBLE_PORT}"

    def __init__(self, folder: Path) -> None:
        self._log = folder / "double.log"
        self.start()

    def start(self) -> None:
        command = [sys.executable, docling_double.__file__, str(DOUBLE_PORT)]
        self._process = Process(command, self._log, bare_environment(), lambda: answers(f"{self.url}/health"))

    def stop(self) -> None:
        self._process.kill()

    def alive(self) -> bool:
        return self._process.child.poll() is None


@pytest.fixture
def docling(tmp_path: Path) -> Iterator[DoublesHouse]:
    """The double of docling-serve."""
    double = DoublesHouse(tmp_path)
    yield double
    double.stop()


@pytest.fixture
def environment(
    redis_server: RedisServer, garage: Garage, docling: DoublesHouse, request: pytest.FixtureRequest
) -> dict:
    """A gateway's settings; every test has a queue of its own."""
    return {
        "REDIS_URL": redis_server.url,
        "PII_QUEUE_NAME": f"test:{request.node.name}:queue",
        "JOB_STATUS_PREFIX": f"test:{request.node.name}:job:",
        "DOCLING_SERVE_URL": docling.url,
        "API_KEYS": f"tests:{KEY}",
        "S3_PUBLIC_URL": "https://files.example.test",
        **garage.environment,
    }


@pytest.fixture
def new_gateway(tmp_path: Path, environment: dict) -> Iterator[Callable[..., Gateway]]:
    """Starts a gateway on the next port, with more settings; all end with the test."""
    started: list[Gateway] = []

    def start(**settings: str) -> Gateway:
        started.append(Gateway(tmp_path, GATEWAY_PORT + len(started), {**environment, **settings}, KEY))
        return started[-1]

    yield start
    for gateway in started:
        gateway.process.kill()


@pytest.fixture
def gateway(new_gateway: Callable[..., Gateway]) -> Gateway:
    """One gateway."""
    return new_gateway()
