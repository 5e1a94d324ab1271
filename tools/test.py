# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs parts of the tests: tools/test.py PART... in the order given.

Each part is one command with a time limit. The images of the test bed take long and hardly any processor while they are
fetched, so they are made beside the parts that stand before `testbed`.
"""

from __future__ import annotations

import sys

from steps import StepFailed, Steps, say

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
    "e2e": (["tools/e2e"], 1200),
    "truth": (["tools/truth"], 2400),
    # It keeps to AISTACK_SOAK_MINUTES by itself.
    "soak": (["tools/soak"], 360000),
}


def main(parts: list[str]) -> int:
    """Run the parts; return 0 if all succeeded."""
    unknown = [part for part in parts if part not in PARTS]
    if unknown or not parts:
        say(f"tools/test.py takes parts out of: {' '.join(PARTS)}; it was given: {' '.join(parts) or 'none'}.")
        return 2
    steps = Steps()
    started = {}
    try:
        if "testbed" in parts:
            command, limit_s = PARTS["testbed"]
            started["testbed"] = steps.start("testbed", command, limit_s=limit_s, shown=parts[0] == "testbed")
        for part in parts:
            if part not in started:
                command, limit_s = PARTS[part]
                started[part] = steps.start(part, command, limit_s=limit_s)
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
