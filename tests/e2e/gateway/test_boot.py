# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A gateway that must not start says why in one sentence and ends."""

import subprocess
import sys

import pytest
from gatewaybed.gateway import SOURCE
from gatewaybed.process import bare_environment


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (
            {"AUTH_MODE": "basic", "AUTH_SECRET_KEY": "short"},
            "AUTH_SECRET_KEY has 5 characters; with AUTH_MODE=basic it needs at least 32 random ones.",
        ),
        ({"PDF_MAX_PAGES": "0"}, "PDF_MAX_PAGES is '0'; it takes a whole number from 1 to 500."),
    ],
)
def test_one_sentence_and_status_78(settings: dict[str, str], sentence: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "reference_gateway", "--port", "20229"],
        env=bare_environment(PYTHONPATH=str(SOURCE), **settings),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (78, "", f"{sentence}\n")
