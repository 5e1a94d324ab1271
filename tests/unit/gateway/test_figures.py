# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images inside Markdown."""

import base64

from reference_gateway.figures import extract


def link(key: str) -> str:
    return f"https://f.test/{key}"


def test_images_leave_the_markdown_and_keep_their_text() -> None:
    one, two = base64.b64encode(b"\x89PNG one").decode(), base64.b64encode(b"jpeg two").decode()
    text = f"# A\n\n![A cat](data:image/png;base64,{one})\n\nB ![](data:image/jpeg;base64,{two}) C"
    markdown, figures = extract(text, "j", link)
    assert markdown == (
        "# A\n\n![A cat](https://f.test/j/images/figure-1.png)\n\nB ![](https://f.test/j/images/figure-2.jpeg) C"
    )
    assert [(f.figure_id, f.key, f.alt_text, f.content_type, f.body) for f in figures] == [
        ("figure-1", "j/images/figure-1.png", "A cat", "image/png", b"\x89PNG one"),
        ("figure-2", "j/images/figure-2.jpeg", "", "image/jpeg", b"jpeg two"),
    ]


def test_other_images_and_broken_ones_stay() -> None:
    text = "![x](https://elsewhere.test/a.png) ![y](data:image/png;base64,abc) ![z](data:image/svg+xml;base64,AAAA)"
    assert extract(text, "j", link) == (text, [])
