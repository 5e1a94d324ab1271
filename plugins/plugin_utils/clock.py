# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a host's clock agrees with the controller's.

Private to the collection.
"""

from __future__ import annotations

from datetime import datetime, timezone


def skew(before: float, told: float, after: float) -> float:
    """By how many seconds a clock that told a time is ahead (behind: negative), at the least.

    The time was told at some moment between `before` and `after` of our clock, so a slow connection is no difference.
    """
    return min(0.0, told - before) + max(0.0, told - after)


def problems(host: str, before: float, told: float, after: float, allowed: int) -> list[str]:
    """One sentence if the clock of `host` differs by more than `allowed` seconds."""
    seconds = skew(before, told, after)
    if abs(seconds) <= allowed:
        return []
    sentence = (
        f"The clock of {host} says {_shown(told)} and is {abs(seconds):.0f} s {'ahead of' if seconds > 0 else 'behind'} this"
        f" machine's, which is more than docker_host_max_clock_skew ({allowed} s), and with that certificates, sign-ins and S3"
        " requests fail: set the clock that is wrong, best by timedatectl set-ntp true."
    )
    return [sentence]


def _shown(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")
