# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""People at the front door while something happens behind it: who was served, and for how long nobody was."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from ansible_collections.selfhost.aistack.plugins.module_utils._front_door import FrontDoor, SiteError

_EVERY_S = 0.2


@dataclass(frozen=True)
class Visit:
    """One request: when it began and ended (monotonic seconds), and why it was not served, or an empty text."""

    began: float
    ended: float
    failure: str


@dataclass
class Visits:
    """All requests to each path, in their order; every one came over a connection of its own."""

    paths: dict[str, list[Visit]] = field(default_factory=dict)

    def failures(self, path: str) -> list[str]:
        """Why visits of a path were not served."""
        return [visit.failure for visit in self.paths[path] if visit.failure]

    def away(self, path: str) -> float:
        """The longest time in seconds from the end of a visit that was served to the end of the next that was, less the usual pause."""
        served = [visit.ended for visit in self.paths[path] if not visit.failure]
        gaps = [later - earlier for earlier, later in zip(served, served[1:], strict=False)]
        return max([0.0, *[gap - _EVERY_S for gap in gaps]])

    def await_service(self, seconds: float) -> None:
        """Wait until the latest visit of every path was served; give up after so many seconds."""
        since = time.monotonic()
        while not all(visits and visits[-1].began > since and not visits[-1].failure for visits in self.paths.values()):
            assert time.monotonic() - since < seconds, {path: visits[-1:] for path, visits in self.paths.items()}
            time.sleep(_EVERY_S)


@contextmanager
def visitors(door: FrontDoor, paths: Sequence[str]) -> Iterator[Visits]:
    """Have one visitor for each path, who asks for it again and again. Begins when all were served once."""
    visits = Visits({path: [] for path in paths})
    leave = threading.Event()
    crowd = [threading.Thread(target=_visit, args=(door, path, visits.paths[path], leave)) for path in paths]
    for visitor in crowd:
        visitor.start()
    try:
        visits.await_service(60)
        yield visits
    finally:
        leave.set()
        for visitor in crowd:
            visitor.join()


def _visit(door: FrontDoor, path: str, visits: list[Visit], leave: threading.Event) -> None:
    while not leave.wait(_EVERY_S):
        began, failure = time.monotonic(), ""
        try:
            with door.request("GET", path, anonymous=True) as answer:
                text = answer.read()
            if answer.status != 200:
                failure = f"{answer.status}: {text[:200].decode(errors='replace')}"
        except (SiteError, OSError) as error:
            failure = str(error)
        visits.append(Visit(began, time.monotonic(), failure))
