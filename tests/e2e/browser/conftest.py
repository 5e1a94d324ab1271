# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The site and a browser."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parent / "gateway")]

from browserbed.page import Page  # noqa: E402
from browserbed.site import Site, local_site  # noqa: E402


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The site of AISTACK_E2E_URL, or one of this machine's own."""
    if "AISTACK_E2E_URL" in os.environ:
        yield Site.from_environment()
        return
    with local_site(tmp_path_factory.mktemp("site")) as local:
        yield local


@pytest.fixture
def page(site: Site, tmp_path: Path) -> Iterator[Page]:
    """A new browser."""
    opened = Page(site, tmp_path)
    yield opened
    opened.close()
