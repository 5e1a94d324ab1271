# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the scripts of this package on a machine: here, or on a host of the test bed.

A script is one file that needs nothing but Python. It takes its order from standard input, so that nothing of it shows in a
process list, and prints its answer as JSON.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_SCRIPTS = Path(__file__).parent / "scripts"
#: Where a script runs: the beginning of a command line.
HERE: tuple[str, ...] = ()


class Script:
    """A script that runs beside the test until it is told to end."""

    def __init__(self, place: Sequence[str], name: str, order: dict[str, Any]) -> None:
        """Start it and give it its order."""
        self.name = name
        self._process = subprocess.Popen(
            _command(place, name), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()

    def wait_for(self, word: str) -> None:
        """Wait until it prints this line."""
        assert self._process.stdout is not None
        said = self._process.stdout.readline().strip()
        assert said == word, f"{self.name} said {said!r}"

    def end(self) -> Any:
        """Tell it to end, and return its answer."""
        answer = self._process.communicate()[0]
        assert self._process.returncode == 0, f"{self.name} ended with {self._process.returncode}: {answer}"
        return json.loads(answer)


def call(place: Sequence[str], name: str, order: dict[str, Any]) -> Any:
    """Run a script to its end and return its answer."""
    return Script(place, name, order).end()


def _command(place: Sequence[str], name: str) -> list[str]:
    return [*place, "python3", "-c", (_SCRIPTS / f"{name}.py").read_text(encoding="utf-8")]
