# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes the images out of docling's Markdown, where they stand as data URIs."""

import base64
import binascii
import re
from collections.abc import Callable
from dataclasses import dataclass

EMBEDDED = re.compile(r"!\[([^\]]*)\]\(data:image/([a-z]+);base64,([A-Za-z0-9+/=\s]+)\)")


@dataclass(frozen=True)
class Figure:
    """One image of the document: its object key, its type and its bytes."""

    figure_id: str
    key: str
    alt_text: str
    content_type: str
    body: bytes


def extract(markdown: str, job_id: str, link: Callable[[str], str]) -> tuple[str, list[Figure]]:
    """The Markdown with links in place of embedded images, and the images. `link` makes a key the address to write."""
    figures: list[Figure] = []

    def replace(match: re.Match[str]) -> str:
        alt, kind, data = match.groups()
        try:
            body = base64.b64decode(data, validate=False)
        except binascii.Error:
            return match.group(0)
        number = len(figures) + 1
        key = f"{job_id}/images/figure-{number}.{kind}"
        figures.append(Figure(f"figure-{number}", key, alt, f"image/{kind}", body))
        return f"![{alt}]({link(key)})"

    return EMBEDDED.sub(replace, markdown), figures
