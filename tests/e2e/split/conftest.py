# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

_TESTS = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(_TESTS / "truth"), str(_TESTS / "e2e"), str(Path(__file__).parent)]

from truthbed.stand import Stand  # noqa: E402


@pytest.fixture(scope="session")
def converged() -> Iterator[Stand]:
    """A host with the whole stack on it, which goes at the end: AISTACK_SPLIT_HOST names another one than front1."""
    stand = Stand(os.environ.get("AISTACK_SPLIT_HOST", "front1"))
    stand.converge()
    yield stand
    stand.bed("down", stand.name)
