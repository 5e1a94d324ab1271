# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""make bench: converges a fresh test host, measures what a run costs and writes tests/bench/latest.json.

noop_wall_s          seconds of a whole ansible-playbook call that finds nothing to change, best of three
noop_remote_tasks    tasks of such a run that go to the host
first_converge_s     seconds of the first run on the bare host, by play
health_wait_lag_s    seconds between a port's opening and health_wait's return, median of eleven

A bound that does not hold makes the call fail, after the file is written.
"""

from __future__ import annotations

import json
import os
import platform
import socket
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPOSITORY / "tools"), str(REPOSITORY / ".cache" / "collections")]

from site_access import playbook_command  # noqa: E402
from steps import StepFailed, Steps, say  # noqa: E402
from test_host import BED, prepare  # noqa: E402

_HOST = "bench"
_LATEST = Path(__file__).with_name("latest.json")
_NOOPS = 3
_LAGS = 11
_BOUNDS = {"noop_wall_s": 10.0, "noop_remote_tasks": 25, "health_wait_lag_s": 0.1}


def main() -> int:
    """Measure, write and compare with the bounds; return 0 if all hold."""
    steps = Steps()
    try:
        steps.run("remove what is left of the last bench", [BED, "down", _HOST], limit_s=120)
        inventory = prepare(steps, _HOST)
        first = _converge(steps, "first converge", inventory)
        noops = [_converge(steps, f"no-op {number}", inventory) for number in range(1, _NOOPS + 1)]
        steps.run("remove the host", [BED, "down", _HOST], limit_s=120)
    except StepFailed as failure:
        say(f"FAILED: {failure}")
        return 1
    changed = [noop["changed"] for noop in noops]
    best = min(noops, key=lambda noop: noop["wall_s"])
    figures = {
        "noop_wall_s": best["wall_s"],
        "noop_remote_tasks": len(best["remote_tasks"]),
        "first_converge_s": {"total": first["wall_s"], **first["plays"]},
        "health_wait_lag_s": round(statistics.median(_lag() for _try in range(_LAGS)), 3),
        "machine": f"{os.cpu_count()} cores, Python {platform.python_version()}",
    }
    _LATEST.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    say(json.dumps(figures, indent=2))
    say("The slowest tasks of the best no-op:")
    for task in sorted(best["remote_tasks"], key=lambda task: -task["seconds"])[:8]:
        say(f"  {task['seconds']:6.2f} s  {task['task']}")
    problems = [
        f"{name} is {figures[name]}, at most {bound} is allowed."
        for name, bound in _BOUNDS.items()
        if figures[name] > bound
    ]
    if any(changed):
        problems.append(f"Runs that should find nothing to change changed {changed} things.")
    for problem in problems:
        say(f"FAILED: {problem}")
    return 1 if problems else 0


def _converge(steps: Steps, name: str, inventory: Path) -> dict:
    """Play site.yml once and return the tally, with the seconds of the whole call."""
    with tempfile.NamedTemporaryFile() as file:
        env = {
            "ANSIBLE_CALLBACK_PLUGINS": str(Path(__file__).with_name("callback")),
            "ANSIBLE_CALLBACKS_ENABLED": "tally",
            "AISTACK_TALLY": file.name,
        }
        begin = time.monotonic()
        steps.run(name, playbook_command(inventory, "site"), limit_s=3600, env=env)
        wall = round(time.monotonic() - begin, 2)
        return {**json.loads(Path(file.name).read_text(encoding="utf-8")), "wall_s": wall}


def _lag() -> float:
    """Return the seconds between the opening of a port and the return of a wait for it."""
    from ansible_collections.selfhost.aistack.plugins.module_utils import _health
    from ansible_collections.selfhost.aistack.plugins.modules.health_wait import target_spec

    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        opened = []

        def open_port() -> None:
            server.listen()
            opened.append(time.monotonic())

        timer = threading.Timer(1.0, open_port)
        timer.start()
        port = server.getsockname()[1]
        target = {**dict.fromkeys(target_spec()), "name": "port", "kind": "tcp", "host": "127.0.0.1", "port": port}
        reports = _health.wait([target], timeout=10)
        returned = time.monotonic()
        timer.join()
    if not all(report.ready for report in reports):
        raise StepFailed("health_wait did not notice that the port was open.")
    return returned - opened[0]


if __name__ == "__main__":
    sys.exit(main())
