# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One changed value in the gateway's environment: what a small change costs from the call to the ready gateway."""

from __future__ import annotations

from steps import StepFailed

from . import plain
from .calls import Call, extra_vars, median, site
from .host import Host

_TIMES = 3
_STACKS = {"usual_way": ("usual", plain.usual_way), "pyinfra": ("pyinfra", plain.pyinfra)}
# What the inventory of a test host has there (tools/test_host.py).
_EXTRA = {"DOCLING_DO_OCR": "false", "DOCLING_DO_TABLE_STRUCTURE": "false"}


def measure(host: Host) -> dict:
    """Change it in all three stacks in turn, each time to a new value, and put it back."""
    own: list[Call] = []
    others: dict[str, list[Call]] = {name: [] for name in _STACKS}
    for turn in range(1, _TIMES + 1):
        own.append(_collection(host, str(turn)))
        for name in _STACKS:
            others[name].append(_other(host, name, str(turn)))
    site(host).call("value put back")
    for _stack, way in _STACKS.values():
        way(host).call("value put back")
    figures = {
        "one_env_value_wall_s": median([done.wall_s for done in own]),
        "one_env_value_remote_tasks": own[0].remote_tasks,
        "one_env_value_changed_tasks": own[0].tally["changed"],
    }
    for name, calls in others.items():
        figures[f"{name}_one_env_value_wall_s"] = median([done.wall_s for done in calls])
    figures["usual_way_one_env_value_remote_tasks"] = others["usual_way"][0].remote_tasks
    return figures


def _collection(host: Host, value: str) -> Call:
    before = host.containers()
    with extra_vars({"gateway_extra_env": {**_EXTRA, "BENCH": value}}) as words:
        done = site(host, *words).call(f"one value changed {value}")
    _one_replaced(before, host.containers())
    return done


def _other(host: Host, name: str, value: str) -> Call:
    stack, way = _STACKS[name]
    contender = way(host)
    plain.change(host, stack, "BENCH", value)
    before = host.containers()
    done = contender.call(f"one value changed {value}")
    _one_replaced(before, host.containers())
    return done


def _one_replaced(before: list[str], after: list[str]) -> None:
    """Refuse a measurement in which something else than one container was replaced."""
    if len(set(after) - set(before)) != 1 or len(before) != len(after):
        raise StepFailed("One changed value of the gateway should have replaced one container.")
