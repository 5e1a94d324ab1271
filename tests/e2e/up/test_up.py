# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The two commands of the README, typed as it says, with the local test host vm1."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
WORDS = ["Quince", "harvest", "nineteen", "Zürich", "ledger"]


def make(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Type make."""
    return subprocess.run(
        ["make", "-C", str(ROOT), "--no-print-directory", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def second_up() -> str:
    """Type make up twice and return what the second call says."""
    for _call in range(2):
        done = make("up")
        assert done.returncode == 0, done.stderr[-5000:]
    return done.stderr


def test_a_second_make_up_changes_nothing(second_up: str) -> None:
    recap = re.findall(r"changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)", second_up)
    assert recap == [("0", "0", "0")]


def test_make_up_says_what_a_person_needs_next(second_up: str) -> None:
    assert re.search(r"open https://\S+ in a browser", second_up)
    assert re.search(r"Log in as admin; the password: auth_password_admin in \.secrets\.yml", second_up)
    assert re.search(r"^  converge +[0-9.]+ s$", second_up, re.MULTILINE)
    assert re.search(r"^  total +[0-9.]+ s$", second_up, re.MULTILINE)
    assert "every part of the way works" in (ROOT / ".cache" / "sample.md").read_text(encoding="utf-8")


def test_a_foreign_pdf_comes_back_with_its_words(second_up: str, tmp_path: Path) -> None:
    """A PDF of somebody else's making: Chromium prints a page."""
    page = tmp_path / "page.html"
    page.write_text(f"<!doctype html><meta charset=utf-8><h1>Fruit</h1><p>{' '.join(WORDS)}</p>", encoding="utf-8")
    pdf = tmp_path / "somebody's own.pdf"
    chromium = shutil.which("chromium")
    assert chromium, "There is no chromium to print with: install the Debian package chromium."
    flags = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}"]
    subprocess.run([chromium, *flags, f"--print-to-pdf={pdf}", page.as_uri()], check=True, capture_output=True)
    done = make("convert", f"PDF={pdf}")
    assert done.returncode == 0, done.stderr
    assert [word for word in WORDS if word not in done.stdout] == []


def test_what_is_no_pdf_is_told_in_a_sentence(second_up: str, tmp_path: Path) -> None:
    text = tmp_path / "notes.pdf"
    text.write_text("These are only notes.", encoding="utf-8")
    done = make("convert", f"PDF={text}")
    assert done.returncode != 0
    assert done.stdout == ""
    assert "was not converted" in done.stderr
    assert "Traceback" not in done.stderr
