# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from benchlib import bounds, probe, report
from benchlib.sleepers import Sleepers


def test_a_bound_that_is_met_exactly_holds_and_one_that_is_missed_is_a_sentence() -> None:
    figures = {"noop_wall_s": 5.0, "pyinfra_to_collection_ratio": 1.0, "health_wait_lag_s": 0.2}
    assert bounds.broken(figures) == [
        "pyinfra_to_collection_ratio is 1.0, and must be more than 1.",
        "health_wait_lag_s is 0.2, and must be at most 0.1.",
    ]


def _law(a: float) -> dict:
    return {"a_s": a, "b_round_trips": 9.5, "wall_at_0_ms_s": a, "wall_at_20_ms_s": a + 0.2, "wall_at_100_ms_s": a + 1}


def _app(noop: float) -> dict:
    names = ("noop_wall_s", "one_value_wall_s", "noop_remote_tasks", "noop_controller_cpu_s", "noop_host_cpu_s")
    return dict.fromkeys((*names, "controller_peak_mib", "host_peak_mib"), noop)


def _figures() -> dict:
    """Figures of the form that the parts return, made up."""
    phases = {"total": 90.5, "Redis": 11.25}
    cost = {"controller_cpu_s": 3.5, "host_cpu_s": 1.5, "controller_peak_mib": 150.5, "host_peak_mib": 40.5}
    ways = ("collection", "usual way", "pyinfra", "bare compose", "ping")
    figures = {name: 1 for name, _how, _bound in bounds.BOUNDS} | {
        "date": "2026-11-21",
        "load_before": 0.25,
        "machine": {"processor": "2 cores, made up"},
        "noop_costs": dict.fromkeys(ways, cost),
        "first_converge_s": phases,
        "first_converge_images_local_s": phases,
        "compose_app": {"ping_play_wall_s": 1.5, "10_services": {"collection": _app(2.25), "usual way": _app(7.75)}},
        "latency": {name: _law(4.5) for name in ("whole_stack_noop", "one_compose_app_noop", "ping_play")},
        "noop_wall_s": 4.75,
        "usual_way_noop_wall_s": 30.25,
    }
    others = """noop_best_wall_s usual_way_noop_best_wall_s usual_way_noop_remote_tasks pyinfra_noop_wall_s
        pyinfra_noop_best_wall_s bare_compose_up_five_wall_s ping_play_wall_s noop_new_connection_wall_s one_env_value_wall_s
        one_env_value_remote_tasks usual_way_one_env_value_wall_s usual_way_one_env_value_remote_tasks
        pyinfra_one_env_value_wall_s health_wait_200_targets_play_wall_s uri_with_retries_200_targets_play_wall_s
        slowest_of_200_targets_ready_after_s"""
    return {**dict.fromkeys(others.split(), 2), **figures}


def test_the_page_shows_the_figures_and_which_bounds_hold() -> None:
    page = report.markdown({**_figures(), "usual_way_to_collection_ratio": 5.5})
    assert "- processor: 2 cores, made up\n- load before: 0.25" in page
    assert "| this collection | 4.75 | 2 | 1 | 3.5 | 1.5 | 150.5 | 40.5 |" in page
    assert "| Redis | 11.25 | 11.25 |" in page
    assert "| 10, `compose_app` | 2.25 |" in page
    assert "| a play with one ping | 4.5 | 9.5 | 4.5 | 4.7 | 5.5 |" in page
    assert "| `usual_way_to_collection_ratio` | 5.5 | at least 6 | **no** |" in page
    assert "| `noop_wall_s` | 4.75 | at most 5 | yes |" in page


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
