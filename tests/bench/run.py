# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""make bench: measures on a fresh test host and writes tests/bench/latest.json and docs/speed.md.

    tests/bench/run.py             everything, on a host that is made for it
    tests/bench/run.py PART...     only these parts, on the host as it is; prints their figures and writes nothing

A bound that does not hold (benchlib/bounds.py) makes the call fail, after the files are written. Figures end in their
unit: _s seconds, _mib 1048576 bytes, _tasks and _changed counts; the others say it in their name.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from benchlib import apps, bounds, change, first, host, latency, machine, noop, report, tools, waits  # noqa: E402
from benchlib.place import BENCH, REPOSITORY  # noqa: E402
from steps import StepFailed, Steps, say  # noqa: E402

_HOST = "bench"
_LATEST = BENCH / "latest.json"
_PAGE = REPOSITORY / "docs" / "speed.md"
#: In this order: each finds the host as the one before left it.
PARTS = {"first": first, "noop": noop, "change": change, "apps": apps, "latency": latency, "waits": waits}


def main(names: list[str]) -> int:
    """Measure, write and compare with the bounds; return 0 if all hold."""
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        say(f"tests/bench/run.py takes parts out of: {' '.join(PARTS)}; it was given: {' '.join(names)}.")
        return 2
    steps = Steps()
    try:
        figures = measure(steps, names)
    except StepFailed as failure:
        say(f"FAILED: {failure}")
        return 1
    print(json.dumps(figures, indent=2))
    if not names:
        _LATEST.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
        _PAGE.parent.mkdir(exist_ok=True)
        _PAGE.write_text(report.markdown(figures), encoding="utf-8")
    problems = bounds.broken(figures)
    for problem in problems:
        say(f"FAILED: {problem}")
    say(steps.table())
    return 1 if problems else 0


def measure(steps: Steps, names: list[str]) -> dict:
    """Return the figures of all parts, or of these."""
    load = machine.load()
    tools.ensure(steps)
    if not names:
        host.remove(steps, _HOST)
    subject = host.have(steps, _HOST)
    figures = {"date": datetime.now(UTC).date().isoformat(), "load_before": load}
    for name in names or PARTS:
        with steps.timed(name):
            figures.update(PARTS[name].measure(subject))
    figures["machine"] = machine.describe(subject)
    if not names:
        host.remove(steps, _HOST)
    return figures


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
