# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Cuts runs off at every point at which they can be cut, and tells after which of them the next run did not make it good.

Usage: tools/soak [WAY...], of: change, back, first (default: all). Where all cuts would take longer than AISTACK_SOAK_MINUTES
(default 540), as many as fit are made, spread evenly over all there are; AISTACK_SOAK_OFFSET=k moves them by k, so that several
runs make different ones (default: drawn, and printed).
AISTACK_TRUTH_HOST names the test host (default: truth1).
"""

from __future__ import annotations

import itertools
import os
import random
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
_WAYS = ("change", "back", "first")


def main(names: list[str]) -> int:
    """Make the cuts; return 0 if the next run made good every one of them."""
    if not set(names) <= set(_WAYS):
        say(f"tools/soak takes ways out of: {' '.join(_WAYS)}; it was given: {' '.join(names)}.")
        return 2
    stand = Stand(os.environ.get("AISTACK_TRUTH_HOST", "truth1"))
    stand.converge()
    with Cutter(stand) as cutter:
        ordeal = Ordeal(stand, cutter)
        ways = dict(zip(_WAYS, [*ordeal.changes(), ordeal.first()], strict=True))
        wrong = make(ordeal, choose([explored(ordeal, ways[name]) for name in names or _WAYS]))
        ordeal.put_right()
    for cut, found in wrong.items():
        say("\n    ".join([f"WRONG {cut}", *found]))
    return 1 if wrong else 0


def explored(ordeal: Ordeal, way: Way) -> Way:
    """A way that was gone undisturbed, so that its cut points are known."""
    ordeal.go(way)
    counts = f"{len(way.counted.task)} tasks, {len(way.counted.effect)} effects, {len(way.counted.event)} engine events"
    say(f"{way.name}: {len(way.counted.points())} cut points ({counts}), {way.seconds:.0f} s undisturbed")
    return way


def choose(ways: list[Way]) -> list[tuple[Way, Point]]:
    """All cuts, or as many as the time allows."""
    number_of_all = sum(len(way.counted.points()) for way in ways)
    # The cut run and the next one, each at most as long as an undisturbed one.
    minutes_of_all = sum(2 * way.seconds * len(way.counted.points()) for way in ways) / 60
    share = min(float(os.environ.get("AISTACK_SOAK_MINUTES") or 540) / minutes_of_all, 1)
    offset = int(os.environ.get("AISTACK_SOAK_OFFSET") or random.SystemRandom().randrange(1000))
    lists = [[(way, point) for point in spread(way.counted.points(), share, offset)] for way in ways]
    # A way begins where the one before it ends; the first converge begins anywhere.
    picked = in_turn([cuts for cuts in lists if cuts[0][0].before]) + in_turn(
        [cuts for cuts in lists if not cuts[0][0].before]
    )
    say(f"{number_of_all} cut points in all, about {minutes_of_all:.0f} minutes;")
    say(f"{len(picked)} of them now (AISTACK_SOAK_OFFSET={offset}), about {share * minutes_of_all:.0f} minutes.")
    return picked


def make(ordeal: Ordeal, cuts: list[tuple[Way, Point]]) -> dict[str, list[str]]:
    """Make the cuts, one after the other; return what was wrong after which."""
    wrong = {}
    began = time.monotonic()
    for number, (way, point) in enumerate(cuts, 1):
        since = time.monotonic()
        try:
            found = ordeal.cut(way, point, again=number % _FURTHER_RUN == 0 or number == len(cuts))
        except AssertionError as problem:
            found = [str(problem)]
        if found:
            wrong[f"{way.name}, {point}"] = found
        now = time.monotonic()
        place = f"[{number}/{len(cuts)}, {(now - began) / 60:.0f} min, {now - since:.0f} s]"
        say("\n    ".join([f"{place} {'WRONG' if found else 'ok'} {way.name}, {point}", *found]))
    minutes = (time.monotonic() - began) / 60
    say(f"{len(cuts) - len(wrong)} of {len(cuts)} cuts were made good by the next run, in {minutes:.0f} minutes.")
    return wrong


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
