# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How reports are written for a person: tables, and numbers of things.

Private to the collection. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def columns(head: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """A table as a list of one text, or of none where there is no row. The last column is as wide as it likes."""
    cells = [[str(cell) for cell in row] for row in rows]
    if not cells:
        return []
    lines = [list(head), *cells]
    widths = [max(len(line[place]) for line in lines) for place in range(len(head) - 1)]
    return [
        "\n".join(
            "  ".join([*(cell.ljust(width) for cell, width in zip(line, widths, strict=False)), line[-1]]).rstrip()
            for line in lines
        )
    ]


def remarks(found: Mapping[str, Any]) -> list[str]:
    """The tables of what every report has: what could not be looked at, and notes."""
    errors = [[e["host"], e["where"], e["why"]] for e in found["errors"]]
    notes = [[e["host"], e["kind"], e["name"], e["what"]] for e in found["notes"]]
    return [
        *columns(["HOST", "NOT LOOKED AT", "WHY"], errors),
        *columns(["HOST", "NOTE", "NAME", "WHAT"], notes),
    ]


def count(number: int, word: str) -> str:
    """A number with its word, in the plural where that is right."""
    return f"{number} {word}{'' if number == 1 else 's'}"


def one_line(text: object) -> str:
    """A text without its line breaks."""
    return " ".join(str(text).split())
