# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from benchlib import bounds, probe, report
from benchlib.place import BENCH
from benchlib.sleepers import Sleepers


def test_a_bound_that_is_met_exactly_holds_and_one_that_is_missed_is_a_sentence() -> None:
    figures = {"noop_wall_s": 5.0, "pyinfra_to_collection_ratio": 1.0, "health_wait_lag_s": 0.2}
    assert bounds.broken(figures) == [
        "pyinfra_to_collection_ratio is 1.0, and must be more than 1.",
        "health_wait_lag_s is 0.2, and must be at most 0.1.",
    ]


def test_the_page_is_what_the_figures_give() -> None:
    """Nobody edits the page by hand, and the figures that were committed are those on it."""
    figures = json.loads((BENCH / "latest.json").read_text(encoding="utf-8"))
    page = (BENCH.parents[1] / "docs" / "speed.md").read_text(encoding="utf-8")
    assert page == report.markdown(figures)


def test_a_process_and_what_it_started_are_found_and_their_memory_and_time_counted() -> None:
    code = "x = bytearray(64 << 20)\nfor i in range(0, len(x), 4096): x[i] = 1\nprint(flush=True)\ninput()"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {code!r}])"
    with subprocess.Popen([sys.executable, "-c", parent], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        inside = probe.below(probe.processes(), [process.pid])
        assert len(inside) == 2
        assert os.getpid() not in inside
        assert 64 << 20 < probe.memory(inside) < 256 << 20
        process.communicate(b"\n")


def test_the_peak_is_remembered_after_it_is_over() -> None:
    turns = []

    def choose(_known: dict) -> list[int]:
        turns.append(None)
        return [os.getpid()] if len(turns) == 2 else []

    peak = probe.Peak(choose)
    while len(turns) < 4:
        time.sleep(0.01)
    assert peak.end() > 1 << 20


def test_the_probe_is_a_program_of_its_own() -> None:
    program = [sys.executable, "-I", str(Path(probe.__file__)), "cpu"]
    printed = subprocess.run(program, capture_output=True, text=True, check=True).stdout
    assert float(printed) >= 0


def _status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - this machine's own server
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def test_sleepers_become_ready_one_after_the_other_from_the_first_question_on() -> None:
    with Sleepers("127.0.0.1", 2, 1.0) as sleepers:
        assert len(set(sleepers.urls)) == 2
        assert _status(sleepers.urls[1]) == 503
        while _status(sleepers.urls[1]) != 200:
            time.sleep(0.01)
        assert time.monotonic() >= sleepers.last_ready
        assert _status(sleepers.urls[0]) == 200
