# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looking at an uploaded PDF."""

import asyncio
import io
import tempfile

import pytest
from pypdf import PdfWriter
from reference_gateway import pdf
from reference_gateway.pdf import NotAcceptable, count_pages


def written(pages: int, password: str = "") -> bytes:
    writer = PdfWriter()
    for _unused in range(pages):
        writer.add_blank_page(72, 72)
    if password:
        writer.encrypt(password, algorithm="AES-256")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def count(content: bytes, most: int = 50) -> int:
    with tempfile.SpooledTemporaryFile() as file:
        file.write(content)
        pages = asyncio.run(count_pages(file, most))
        assert file.read() == content, "the upload is left at its beginning"
        return pages


def test_pages_are_counted() -> None:
    assert count(written(3)) == 3
    assert count(b"\n" * 100 + written(1)) == 1


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "The file is not a PDF: it does not begin with %PDF."),
        (b"PK\x03\x04" + b"x" * 2000, "The file is not a PDF: it does not begin with %PDF."),
        (b"x" * 2000 + written(1), "The file is not a PDF: it does not begin with %PDF."),
        (b"%PDF-1.4 and nothing", "The PDF is damaged: its pages cannot be found."),
        (written(51), "The PDF has 51 pages; at most 50 are accepted."),
        (written(0), "The PDF has no pages."),
        (written(1, "secret"), "The PDF is protected by a password; remove the password and submit it again."),
    ],
    ids=["empty", "zip", "late", "damaged", "long", "no pages", "password"],
)
def test_what_is_refused(content: bytes, sentence: str) -> None:
    with pytest.raises(NotAcceptable) as refused:
        count(content)
    assert str(refused.value) == sentence


def test_a_pdf_whose_reader_dies_is_refused(monkeypatch) -> None:
    monkeypatch.setattr(pdf, "sys", type("sys", (), {"executable": "/bin/false", "path": []}))
    with pytest.raises(NotAcceptable, match="more time or memory"):
        count(written(1))
