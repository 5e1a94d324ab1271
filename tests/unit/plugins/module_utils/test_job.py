# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Work that outlives the call that began it."""

from __future__ import annotations

import os
import signal
import time

import pytest

from ansible_collections.selfhost.aistack.plugins.module_utils import _job


def until(condition):
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_job_outlives_the_call_that_began_it(tmp_path, monkeypatch):
    monkeypatch.setattr(_job, "jobs_folder", lambda: str(tmp_path))
    reader, writer = os.pipe()

    def work(say):
        say("half way")
        os.read(reader, 1)
        return {"done": True}

    job = _job.begin("app", work)
    result, doing = _job.follow(job, 1)
    assert result is None
    assert doing in ("half way", "working")
    os.write(writer, b"x")
    assert _job.follow(job, 30) == ({"done": True}, None)
    assert not os.path.exists(job)


def test_a_job_that_was_killed_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(_job, "jobs_folder", lambda: str(tmp_path))
    job = _job.begin("app", lambda say: os._exit(9))
    with pytest.raises(_job.Lost, match="ended from outside"):
        _job.follow(job, 30)


def test_a_result_that_nobody_takes_is_thrown_away(tmp_path, monkeypatch):
    monkeypatch.setattr(_job, "jobs_folder", lambda: str(tmp_path))
    monkeypatch.setattr(_job, "KEPT", 0.1)
    _job.begin("app", lambda say: {"done": True})
    until(lambda: not list(tmp_path.iterdir()))


def test_a_killed_job_is_found_by_its_name_and_one_that_runs_is_not(tmp_path, monkeypatch):
    monkeypatch.setattr(_job, "jobs_folder", lambda: str(tmp_path))
    reader, writer = os.pipe()
    job = _job.begin("app", lambda say: os.read(reader, 1) and {})
    killed = _job.begin("app", lambda say: os.kill(os.getpid(), signal.SIGKILL))
    _job.begin("app-2", lambda say: os.kill(os.getpid(), signal.SIGKILL))
    until(lambda: _job.dead("app") == [killed])
    assert os.path.isdir(job)
    _job.clear(_job.dead("app"))
    assert _job.dead("app") == []
    os.write(writer, b"x")
    assert _job.follow(job, 30) == ({}, None)


def test_what_was_killed_before_there_was_a_job_is_found(tmp_path, monkeypatch):
    monkeypatch.setattr(_job, "jobs_folder", lambda: str(tmp_path))
    beginner = os.fork()
    if not beginner:
        os._exit(0)
    os.waitpid(beginner, 0)
    (tmp_path / f"app.{beginner}.x").mkdir()
    (tmp_path / f"app.{os.getpid()}.y").mkdir()
    assert _job.dead("app") == [str(tmp_path / f"app.{beginner}.x")]
