# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from caddybed.edge import Edge  # noqa: E402
from caddybed.net import free_port  # noqa: E402
from caddybed.upstream import Upstream  # noqa: E402


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    """The double of the application, one for each test file."""
    double = Upstream(free_port())
    yield double
    double.stop()


@pytest.fixture(scope="module")
def new_edge(tmp_path_factory: pytest.TempPathFactory, upstream: Upstream) -> Iterator[Callable[..., Edge]]:
    """Makes Caddies in front of the upstream, from role variables; they are stopped after the test file."""
    edges: list[Edge] = []

    def make(**variables: Any) -> Edge:
        folder = tmp_path_factory.mktemp("edge")
        edges.append(Edge(folder, caddy_tls_upstream=f"127.0.0.1:{upstream.port}", **variables))
        return edges[-1]

    yield make
    for edge in edges:
        edge.stop()


@pytest.fixture(scope="module")
def edge(new_edge: Callable[..., Edge]) -> Edge:
    """A running Caddy with the internal authority and small limits, one for each test file."""
    return new_edge(caddy_tls_max_body="1MB", caddy_tls_closed_paths=["/docs", "/openapi.json"]).start()
