# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run that was killed anywhere ends on the next run where an undisturbed one ends.

Here a random sample of the cuts there are; tools/soak makes all of them.
"""

from __future__ import annotations

import os
import random

from truthbed.cuts import Cutter
from truthbed.ordeal import Ordeal


def test_a_run_that_is_cut_anywhere_is_made_good_by_the_next(stand):
    seed = int(os.environ.get("AISTACK_CUT_SEED") or random.SystemRandom().randrange(10**6))
    chance = random.Random(seed)  # noqa: S311 - a sample, not a secret
    print(f"\nAISTACK_CUT_SEED={seed} repeats these cuts.", flush=True)
    with Cutter(stand) as cutter:
        ordeal = Ordeal(stand, cutter)
        there, back = ordeal.changes()
        # From here on each way starts where the other ended.
        stand.converge(variables=back.variables)
        ordeal.go(there)
        ordeal.go(back)
        for way in (there, back):
            print(f"{way.name}: {len(way.counted.points())} cut points", flush=True)
        points = there.counted.sample(chance)
        chance.shuffle(points)
        wrong = {}
        for number, point in enumerate(points):
            way = back if number % 2 else there
            if number % 2:
                kinds = [
                    candidate
                    for candidate in back.counted.points()
                    if (candidate.kind, candidate.deed) == (point.kind, point.deed)
                ]
                point = chance.choice(kinds)
            print(f"{way.name}, {point}", flush=True)
            found = ordeal.cut(way, point, again=number == len(points) - 1)
            if found:
                wrong[f"{way.name}, {point}"] = found
        assert wrong == {}, f"AISTACK_CUT_SEED={seed}"
