# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Cases by the hundred, the same ones in every run, and the count of them.

A program that reads one value at a time is too slow to be asked thousands of times, so the cases are made first and then
handed over many at once. What goes wrong is told for the shortest value.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

#: Another seed makes other cases: AISTACK_FUZZ_SEED=7 tools/fuzz.
SEED = int(os.environ.get("AISTACK_FUZZ_SEED", "1"))
#: So many times as many cases: AISTACK_FUZZ_TIMES=20 tools/fuzz.
TIMES = int(os.environ.get("AISTACK_FUZZ_TIMES", "1"))

#: How many cases each parser was given, and how many of these our own checks refused before: what the end of a run prints.
GIVEN: Counter[str] = Counter()
REFUSED: Counter[str] = Counter()


#: Values that one example of Hypothesis holds. Within an example all are drawn anew; later examples are variations of
#: earlier ones, which is right for a search with feedback and would be the same value again and again here.
_AT_ONCE = 10


def cases(strategy: SearchStrategy[Any], count: int) -> list[Any]:
    """`count` times TIMES values of a strategy, none of them twice, unless there are not so many."""
    found: dict[str, Any] = {}
    wanted = count * TIMES
    for number in range(wanted):
        for value in _example(strategy, SEED * 1_000_003 + number):
            found.setdefault(repr(value), value)
        if len(found) >= wanted:
            break
    return list(found.values())[:wanted]


def _example(strategy: SearchStrategy[Any], start: int) -> list[Any]:
    drawn: list[list[Any]] = []

    @seed(start)
    @settings(
        max_examples=2,  # the first one has the simplest values
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(strategy, min_size=_AT_ONCE, max_size=_AT_ONCE))
    def draw(values: list[Any]) -> None:
        drawn.append(values)

    draw()
    return [value for values in drawn for value in values]


def count(parser: str, given: int, refused: int = 0) -> None:
    """Add cases to the table: `given` to the parser, and `refused` by our checks so that it never saw them."""
    GIVEN[parser] += given
    REFUSED[parser] += refused


def told(failures: Iterable[tuple[Any, Any]]) -> str:
    """The failures as a text, that of the shortest case first; empty without any."""
    found = sorted(failures, key=lambda failure: len(repr(failure[0])))
    shown = [f"{case!r:.600}\n    {what!s:.1200}" for case, what in found[:5]]
    return "\n".join([f"{len(found)} cases failed, the shortest ones:", *shown]) if found else ""


def sentence_problem(text: Any) -> str:
    """Why a refusal is not one sentence on one line, or nothing."""
    if not isinstance(text, str) or not text.strip():
        return f"is no text: {text!r}"
    if len(text.splitlines()) > 1:
        return f"is not one sentence on one line: {text!r}"
    return f"holds a traceback: {text!r}" if "Traceback" in text else ""
