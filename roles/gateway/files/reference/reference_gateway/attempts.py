# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A limit on sign-in attempts: failures a minute for each user from each address, and for each address."""

import time
from collections import deque
from collections.abc import Callable

WINDOW_SECONDS = 60.0
PER_USER_AND_ADDRESS = 10
PER_ADDRESS = 30
KEYS_KEPT = 10_000


class Attempts:
    """Counts in this process's memory, so that guessing is slow even while Redis is away. The edge limits before it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: dict[tuple[str, ...], deque[float]] = {}

    def start(self, user: str, address: str) -> float:
        """Count an attempt. Returns 0, or the seconds to wait when there were too many."""
        wait = max(self._wait((address,), PER_ADDRESS), self._wait((address, user), PER_USER_AND_ADDRESS))
        if wait:
            return wait
        now = self._clock()
        for key in ((address,), (address, user)):
            self._seen.setdefault(key, deque()).append(now)
        if len(self._seen) > KEYS_KEPT:
            self._forget_old()
        return 0.0

    def succeeded(self, user: str, address: str) -> None:
        """Take the attempt back: only failures count."""
        for key in ((address,), (address, user)):
            if self._seen.get(key):
                self._seen[key].pop()

    def _wait(self, key: tuple[str, ...], limit: int) -> float:
        times = self._seen.get(key)
        if not times:
            return 0.0
        horizon = self._clock() - WINDOW_SECONDS
        while times and times[0] <= horizon:
            times.popleft()
        return times[0] - horizon if len(times) >= limit else 0.0

    def _forget_old(self) -> None:
        horizon = self._clock() - WINDOW_SECONDS
        self._seen = {key: times for key, times in self._seen.items() if times and times[-1] > horizon}
