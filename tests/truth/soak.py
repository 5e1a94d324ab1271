# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Cuts runs off at every point at which they can be cut, and tells after which of them the next run did not make it good.

Usage: tools/soak [WAY...], of: change, back, first (default: all). AISTACK_SOAK_LIMIT=n makes n cuts that are spread evenly over
all there are, AISTACK_SOAK_OFFSET=k begins with the k-th of those (default 0), so that several runs make different ones.
AISTACK_TRUTH_HOST names the test host (default: truth1).
"""

from __future__ import annotations

import itertools
import os
import sys
import time
from pathlib import Path

from ansible.plugins.loader import init_plugin_loader

# Ansible's finder of collections, before anything is imported from this one.
init_plugin_loader()
sys.path.insert(0, str(Path(__file__).parent))

from truthbed.cuts import Cutter, Point  # noqa: E402
from truthbed.ordeal import Ordeal, Way  # noqa: E402
from truthbed.stand import Stand  # noqa: E402

# After every so many cuts a further run has to change nothing.
_FURTHER_RUN = 10


def main(names: list[str]) -> int:
    """Make the cuts; return 0 if the next run made good every one of them."""
    began = time.monotonic()
    stand = Stand(os.environ.get("AISTACK_TRUTH_HOST", "truth1"))
    stand.converge()
    wrong = {}
    with Cutter(stand) as cutter:
        ordeal = Ordeal(stand, cutter)
        there, back = ordeal.changes()
        ways = {"change": there, "back": back, "first": ordeal.first()}
        if not set(names) <= set(ways):
            say(f"tools/soak takes ways out of: {' '.join(ways)}; it was given: {' '.join(names)}.")
            return 2
        # A change and the way back lead to each other, so both are gone if either is cut.
        chosen = [way for name, way in ways.items() if name in (names or ways)]
        for way in ways.values() if ways["first"] in chosen else (there, back):
            ordeal.go(way)
            if way in chosen:
                counts = (
                    f"{len(way.counted.task)} tasks, {len(way.counted.effect)} effects, {len(way.counted.event)} events"
                )
                say(f"{way.name}: {len(way.counted.points())} cut points ({counts}), {way.seconds:.0f} s undisturbed")
        number_of_all = sum(len(way.counted.points()) for way in chosen)
        share = min(int(os.environ.get("AISTACK_SOAK_LIMIT") or number_of_all) / number_of_all, 1)
        offset = int(os.environ.get("AISTACK_SOAK_OFFSET") or 0)
        lists = [[(way, point) for point in spread(way.counted.points(), share, offset)] for way in chosen]
        # A way begins where the one before it ends; the first converge begins anywhere.
        picked = in_turn([cuts for cuts in lists if cuts and cuts[0][0].before]) + in_turn(
            [cuts for cuts in lists if cuts and not cuts[0][0].before]
        )
        estimate = sum(2 * way.seconds for way, _point in picked)
        say(f"{number_of_all} cut points in all, {len(picked)} of them now, about {estimate / 60:.0f} minutes")
        for number, (way, point) in enumerate(picked, 1):
            since = time.monotonic()
            try:
                found = ordeal.cut(way, point, again=number % _FURTHER_RUN == 0 or number == len(picked))
            except AssertionError as problem:
                found = [str(problem)]
            if found:
                wrong[f"{way.name}, {point}"] = found
            now = time.monotonic()
            verdict = "WRONG" if found else "ok"
            say(
                f"[{number}/{len(picked)}, {(now - began) / 60:.0f} min] {verdict} {way.name}, {point} ({now - since:.0f} s)"
            )
            for line in found:
                say(f"    {line}")
    stand.converge()
    say(
        f"{len(picked) - len(wrong)} of {len(picked)} cuts were made good by the next run, in {(time.monotonic() - began) / 60:.0f} minutes."
    )
    return 1 if wrong else 0


def in_turn(lists: list[list[tuple[Way, Point]]]) -> list[tuple[Way, Point]]:
    """One of each list in turn, until all are used up."""
    return [cut for several in itertools.zip_longest(*lists) for cut in several if cut]


def spread(points: list[Point], share: float, offset: int) -> list[Point]:
    """That share of the points, at least one, spread evenly; `offset` moves all of them."""
    number = max(1, round(len(points) * share))
    return [points[(offset + index * len(points) // number) % len(points)] for index in range(number)]


def say(text: str) -> None:
    """Print a line at once."""
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
