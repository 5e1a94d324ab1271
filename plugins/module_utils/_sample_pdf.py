# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes a PDF of one page from lines of text, with the standard library alone.

Private to the collection.
"""

from __future__ import annotations

_MARGIN = 72
_TOP = 760
_LEADING = 20


def make_pdf(lines: list[str]) -> bytes:
    """Return a PDF whose page shows these lines, the first one as a title. Characters outside Latin-1 are refused."""
    shown = [f"BT /F1 24 Tf {_MARGIN} {_TOP} Td ({_escape(lines[0])}) Tj ET"] if lines else []
    for number, line in enumerate(lines[1:], 2):
        shown.append(f"BT /F1 12 Tf {_MARGIN} {_TOP - number * _LEADING} Td ({_escape(line)}) Tj ET")
    page = "\n".join(shown).encode("latin-1")
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 5 0 R /Resources << /Font << /F1 4 0 R >> >> >>",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(page), page),
    ]
    body = b"%PDF-1.4\n"
    offsets = []
    for number, content in enumerate(objects, 1):
        offsets.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    count = len(objects) + 1
    return (
        body
        + b"xref\n0 %d\n0000000000 65535 f \n%s" % (count, table)
        + b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (count, len(body))
    )


def _escape(line: str) -> str:
    return line.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
