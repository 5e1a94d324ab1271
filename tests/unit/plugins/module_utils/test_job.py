# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Work that outlives the call that began it."""

from __future__ import annotations

import os

import pytest

from ansible_collections.selfhost.aistack.plugins.module_utils import _job


def test_a_job_outlives_the_call_that_began_it(tmp_path, monkeypatch):
    monkeypatch.setattr(_job, "jobs_folder", lambda: str(tmp_path))
    reader, writer = os.pipe()

    def work(say):
        say("half way")
        os.read(reader, 1)
        return {"done": True}

    job = _job.begin(work)
    result, doing = _job.follow(job, 1)
    assert result is None
    assert doing in ("half way", "working")
    os.write(writer, b"x")
    assert _job.follow(job, 30) == ({"done": True}, None)
    assert not os.path.exists(job)


def test_a_job_that_was_killed_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(_job, "jobs_folder", lambda: str(tmp_path))
    job = _job.begin(lambda say: os._exit(9))
    with pytest.raises(_job.Lost, match="ended from outside"):
        _job.follow(job, 30)
