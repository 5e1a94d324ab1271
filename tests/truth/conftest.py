# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible.plugins.loader import init_plugin_loader

# Ansible's finder of collections, before anything is imported from this one.
init_plugin_loader()
sys.path.insert(0, str(Path(__file__).parent))

from truthbed.stand import Stand  # noqa: E402


@pytest.fixture(scope="session")
def bare() -> Stand:
    """The host of these tests, as it is: AISTACK_TRUTH_HOST names another one than truth1."""
    return Stand(os.environ.get("AISTACK_TRUTH_HOST", "truth1"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What needs a host with nothing on it comes first: afterwards there is none."""
    items.sort(key=lambda item: "first" not in getattr(item, "fixturenames", []))


@pytest.fixture(scope="session")
def first(bare: Stand) -> Stand:
    """The host with nothing on it, made anew where it has seen a run, and with no secrets kept for it."""
    if bare.on_host("command -v dockerd; test ! -e /opt/aistack || echo apps", check=False):
        bare.bed("down", bare.name)
        bare.bed("up", bare.name)
    for kept in bare.inventory.glob(".secrets.yml*"):
        kept.unlink()
    return bare


@pytest.fixture(scope="session")
def converged(bare: Stand) -> Stand:
    """The host with the whole stack on it."""
    bare.converge()
    return bare


@pytest.fixture
def stand(converged: Stand) -> Iterator[Stand]:
    """The converged host; a test that changes it puts it right by playing site.yml with the inventory as it was."""
    yield converged
    converged.play_variables({})
