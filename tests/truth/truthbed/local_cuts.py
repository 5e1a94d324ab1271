# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Cuts a function off at each of its effects, on this machine and without any service."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "onhost"))

import aistack_cut  # noqa: E402


def cut_at_each_effect(work: Callable[[], object], begin: Callable[[], object], folder: Path) -> Iterator[str]:
    """Do `begin`, then `work` in a child that is killed at its first effect; yield what that was. Then at the second, and so on.

    The caller looks at what is left at each yield. Ends when the work runs through; an exception of the work is an error.
    folder: an empty one for the hook.
    """
    number = 0
    while True:
        number += 1
        begin()
        (folder / "log").write_text("")
        (folder / "plan").write_text(json.dumps({"number": number, "deed": "kill"}))
        status = _in_child(work, str(folder))
        if os.WIFEXITED(status):
            assert os.WEXITSTATUS(status) == 0, f"the work failed by itself before its effect {number}"
            return
        assert os.WTERMSIG(status) == signal.SIGKILL
        yield json.loads((folder / "log").read_text().splitlines()[-1])["label"]


def _in_child(work: Callable[[], object], folder: str) -> int:
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1]
    code = 1
    try:
        aistack_cut.start(folder, lambda: True)
        work()
        code = 0
    finally:
        os._exit(code)
