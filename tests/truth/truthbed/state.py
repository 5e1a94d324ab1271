# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compares states of a host as host_state.py prints them. Pure."""

from __future__ import annotations

import hashlib
import json
from typing import Any

_ABSENT = "nothing"
_LONGEST = 160


def digest(state: dict[str, Any]) -> str:
    """One text that is the same only for the same state, moments included: not even a restart between two of them."""
    return hashlib.sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()


def settled(state: dict[str, Any]) -> dict[str, Any]:
    """A state without what may rightly differ between two ways to the same site: its `moments`, and nothing else.

    moments are ids of containers, images, networks, nodes and buckets, times of starts, process numbers, counts of restarts
    and the id of the boot: the engine and Garage make them anew each time. Release numbers stay: a run that was cut off
    takes its number again. Two hosts compare only with the same inventory and the same store of secrets, and hosts with
    different addresses differ where the address is written into a file.
    """
    return {part: value for part, value in state.items() if part != "moments"}


def differences(before: Any, after: Any, place: str = "") -> list[str]:
    """What differs between two states, or two parts of one, in words: one line for each value, with where it stands.

    Give settled() states where containers may have been made anew. Values that may be secrets are digests in a state, so
    the lines can be shown.
    """
    if before == after:
        return []
    if isinstance(before, dict) and isinstance(after, dict):
        lines = []
        for key in sorted(set(before) | set(after)):
            inner = f"{place} {key}".strip()
            lines += differences(before.get(key, _ABSENT), after.get(key, _ABSENT), inner)
        return lines
    if isinstance(before, list) and isinstance(after, list) and place.startswith(("leftovers", "moments packages")):
        gone = [f"{place}: {entry} went" for entry in before if entry not in after]
        return gone + [f"{place}: {entry} came" for entry in after if entry not in before]
    return [f"{place}: {_short(before)} became {_short(after)}"]


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
