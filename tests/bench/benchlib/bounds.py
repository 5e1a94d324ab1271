# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the figures must be. A bound that does not hold makes the bench fail, after its figures are written."""

from __future__ import annotations

#: Figure, the word for how it is compared, and the bound.
BOUNDS = (
    ("noop_wall_s", "at most", 5.0),
    ("noop_remote_tasks", "at most", 15),
    ("noop_changed", "at most", 0),
    ("usual_way_noop_changed", "at most", 0),
    ("usual_way_to_collection_ratio", "at least", 6.0),
    ("pyinfra_to_collection_ratio", "more than", 1.0),
    ("health_wait_lag_s", "at most", 0.1),
    ("health_wait_200_targets_after_slowest_s", "at most", 0.3),
)


def holds(value: float, how: str, bound: float) -> bool:
    """Tell whether a figure keeps its bound."""
    return {"at most": value <= bound, "at least": value >= bound, "more than": value > bound}[how]


def broken(figures: dict) -> list[str]:
    """One sentence for each bound that does not hold; a figure that was not measured breaks none."""
    return [
        f"{name} is {figures[name]}, and must be {how} {bound:g}."
        for name, how, bound in BOUNDS
        if name in figures and not holds(figures[name], how, bound)
    ]
