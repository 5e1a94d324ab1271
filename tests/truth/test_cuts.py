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
    # One of each kind; of the deeds that come from outside, one that ends engine or host and one that does not.
    cuts = [("task", "controller"), ("event", "kill"), ("effect", "kill")]
    cuts += [("effect", chance.choice(["engine", "power"]))]
    cuts += [("effect", chance.choice(["controller", "ssh", "container", "network"]))]
    chance.shuffle(cuts)
    with Cutter(stand) as cutter:
        ordeal = Ordeal(stand, cutter)
        ways = ordeal.changes()
        for way in ways:
            ordeal.go(way)
            print(f"{way.name}: {len(way.counted.points())} cut points, {way.seconds:.0f} s undisturbed", flush=True)
        wrong = {}
        for number, (kind, deed) in enumerate(cuts):
            way = ways[number % 2]
            point = way.counted.draw(kind, deed, chance)
            print(f"{way.name}, {point}", flush=True)
            found = ordeal.cut(way, point, again=number == len(cuts) - 1)
            for line in found:
                print(f"    {line}", flush=True)
            if found:
                wrong[f"{way.name}, {point}"] = found
        ordeal.put_right()
        assert wrong == {}, f"AISTACK_CUT_SEED={seed}"
