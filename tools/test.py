# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs parts of the tests: tools/test.py PART... in the order given.

Each part is one command with a time limit. What mostly waits is made beside other parts: the images of the test bed beside
those that stand before `testbed`, `molecule` beside `fuzz`, and `truth`, the longest one, beside `integration` and all that follow.
"""

from __future__ import annotations

import sys

from steps import Step, StepFailed, Steps, say

_PYTHON = sys.executable
_BED = "tests/testbed/bed"

# Part: command and the longest time it may take, in seconds. The limits stop a hang; what is normal is far below.
PARTS: dict[str, tuple[list[str], float]] = {
    "lint": (["tools/lint"], 600),
    "sanity": (["tools/sanity"], 900),
    "unit": (["tools/unit"], 600),
    "testbed": ([_BED, "images"], 4500),
    "integration": ([_PYTHON, "tools/integration.py"], 1800),
    "fuzz": (["tools/fuzz"], 900),
    "molecule": (["tools/molecule"], 1500),
    "e2e": (["tools/e2e"], 2400),
    "truth": (["tools/truth"], 3000),
    # It keeps to AISTACK_SOAK_MINUTES by itself.
    "soak": (["tools/soak"], 360000),
}
# Part: the one that it is started with, where both are asked for.
BESIDE = {"molecule": "fuzz", "truth": "integration"}


def main(parts: list[str]) -> int:
    """Run the parts; return 0 if all succeeded."""
    unknown = [part for part in parts if part not in PARTS]
    if unknown or not parts:
        say(f"tools/test.py takes parts out of: {' '.join(PARTS)}; it was given: {' '.join(parts) or 'none'}.")
        return 2
    steps = Steps()
    started: dict[str, Step] = {}

    def start(part: str, *, shown: bool = False) -> None:
        if part not in started:
            command, limit_s = PARTS[part]
            started[part] = steps.start(part, command, limit_s=limit_s, shown=shown)

    try:
        if "testbed" in parts:
            start("testbed", shown=parts[0] == "testbed")
        for part in parts:
            start(part)
            for other in parts:
                if BESIDE.get(other) == part:
                    start(other)
            steps.finish(started[part])
    except StepFailed as failure:
        say(steps.table())
        say(f"FAILED: {failure}")
        return 1
    except KeyboardInterrupt:
        steps.end()
        return 130
    say(steps.table())
    say("All passed.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
