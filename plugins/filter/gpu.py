# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filters that bring together the GPUs that services ask for and those that a host has."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.selfhost.aistack.plugins.plugin_utils import gpus


def gpu_claim_problems(claims: Sequence[Mapping[str, Any]], found: Mapping[str, Any] | None = None) -> list[str]:
    if found is None:
        return [sentence for claim in claims for sentence in gpus.wish_problems(claim["gpu"], claim["name"])]
    return gpus.claim_problems(claims, found["gpus"], found["holders"])


def gpu_choice(value: Any, found: Mapping[str, Any], table: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    if value == "none":
        return {"build": "cpu", "devices": [], "seen": 0}
    fitting = _fitting(gpus.chosen(value, found["gpus"]), found, table)
    given = gpus.devices(value, found["gpus"])
    return {"build": fitting[0] if fitting else table[0]["build"], "devices": given, "seen": gpus.seen(given)}


def gpu_build_problems(
    image: str, name: str, value: Any, found: Mapping[str, Any], table: Sequence[Mapping[str, Any]]
) -> list[str]:
    wanted = gpus.chosen(value, found["gpus"])
    return gpus.build_problems(image, name, _fitting(wanted, found, table), found["driver"]["installed"], wanted)


def _fitting(wanted: Sequence[gpus.Unit], found: Mapping[str, Any], table: Sequence[Mapping[str, Any]]) -> list[str]:
    return gpus.builds(table, found["driver"]["installed"], found["apt_architecture"], wanted)


class FilterModule:
    """What a host's GPUs are to a service."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {
            "gpu_build_problems": gpu_build_problems,
            "gpu_choice": gpu_choice,
            "gpu_claim_problems": gpu_claim_problems,
        }
