# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filters that bring together the GPUs that services ask for and those that a host has."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.selfhost.aistack.plugins.plugin_utils import gpus


def gpu_devices(value: Any, found: Mapping[str, Any]) -> list[str]:
    return gpus.devices(value, found["gpus"])


def gpu_claim_problems(claims: Sequence[Mapping[str, Any]], found: Mapping[str, Any] | None = None) -> list[str]:
    if found is None:
        return [sentence for claim in claims for sentence in gpus.wish_problems(claim["gpu"], claim["name"])]
    return gpus.claim_problems(claims, found["gpus"], found["holders"])


def gpu_builds(value: Any, found: Mapping[str, Any], table: Sequence[Mapping[str, Any]]) -> list[str]:
    wanted = gpus.chosen(value, found["gpus"])
    return gpus.builds(table, found["driver"]["installed"], found["apt_architecture"], wanted)


def gpu_build_problems(
    image: str, name: str, value: Any, found: Mapping[str, Any], table: Sequence[Mapping[str, Any]]
) -> list[str]:
    fitting = gpu_builds(value, found, table)
    return gpus.build_problems(image, name, fitting, found["driver"]["installed"], gpus.chosen(value, found["gpus"]))


class FilterModule:
    """What a host's GPUs are to a service."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {
            "gpu_builds": gpu_builds,
            "gpu_build_problems": gpu_build_problems,
            "gpu_claim_problems": gpu_claim_problems,
            "gpu_devices": gpu_devices,
        }
